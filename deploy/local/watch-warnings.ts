/** Shows the warnings of all processes at the terminal while the stack runs. */

import type { ProcessLog } from "./process-log.ts";
import { readableWarning } from "./readable-line.ts";

const POLL_MS = 300;
/** Of one process, per poll; a process that floods is read in its file. */
const LINES_SHOWN_MAX = 5;

export interface WatchedLog {
  readonly name: string;
  readonly kind: "service" | "server";
  readonly log: ProcessLog;
}

/** Calls `show` with one short line at a time. Disposing it shows what came last. */
export function watchWarnings(logs: readonly WatchedLog[], show: (line: string) => void): Disposable {
  const poll = (): void => {
    for (const { name, kind, log } of logs) {
      const warnings = log.readNewLines().flatMap((line) => readableWarning(name, kind, line) ?? []);
      for (const warning of warnings.slice(0, LINES_SHOWN_MAX)) show(warning);
      const hidden = warnings.length - LINES_SHOWN_MAX;
      if (hidden > 0) show(`${name}: ${hidden} more in ${log.path}`);
    }
  };
  const timer = setInterval(poll, POLL_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      poll();
    },
  };
}
