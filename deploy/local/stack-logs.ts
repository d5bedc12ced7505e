/** The log files of a stack: one per process, in the folder `logs` of the data folder. */

import { join } from "node:path";
import { openProcessLog, type ProcessLog } from "./process-log.ts";
import { type WatchedLog, watchWarnings } from "./watch-warnings.ts";

export interface StackLogs extends Disposable {
  readonly dir: string;
  pathOf(name: string): string;
  /** From now on the warnings of this process are shown. */
  open(name: string, kind: WatchedLog["kind"]): ProcessLog;
}

/** Shows one short line per warning until it is disposed. */
export function openStackLogs(dataDir: string, show: (line: string) => void): StackLogs {
  const dir = join(dataDir, "logs");
  const watched: WatchedLog[] = [];
  const watch = watchWarnings(watched, show);
  const pathOf = (name: string): string => join(dir, `${name}.log`);
  return {
    dir,
    pathOf,
    open: (name, kind) => {
      const log = openProcessLog(pathOf(name));
      watched.push({ name, kind, log });
      return log;
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}
