/** The processes that a process has started, as Linux lists them; none on other systems. */

import { readFileSync } from "node:fs";

/** Only of its main thread, which is who starts them in Postgres. */
export function childProcessesOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
