/** Lists the replays of an organisation. */

import { presentReplay } from "../core/present-replay.ts";
import type { Replays } from "../io/replays.ts";
import type { listReplaysRoute } from "../schemas/replay.ts";
import { done, type Handler } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export function listReplays({
  replays,
}: {
  readonly replays: Pick<Replays, "list">;
}): Handler<typeof listReplaysRoute> {
  return async ({ parameters, query }) => done(presentPage(await replays.list(parameters.org, query), presentReplay));
}
