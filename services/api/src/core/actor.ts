/** Who did something, as the log names them: the id of a key, `root`, or the engine itself. */

import type { Caller } from "./caller.ts";

/** What no person asked for, such as a webhook that is taken out of service. */
export const ENGINE_ACTOR = "posthorn";

export function actorOf(caller: Caller): string {
  return caller.kind === "root" ? "root" : caller.id;
}
