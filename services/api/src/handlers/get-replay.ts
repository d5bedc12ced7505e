/** Gets a replay and how far it has come. */

import { presentReplay } from "../core/present-replay.ts";
import { notFound } from "../core/problems.ts";
import type { Replays } from "../io/replays.ts";
import type { getReplayRoute } from "../schemas/replay.ts";
import { done, type Handler, refused } from "./handler.ts";

export function getReplay({ replays }: { readonly replays: Pick<Replays, "get"> }): Handler<typeof getReplayRoute> {
  return async ({ parameters }) => {
    const replay = await replays.get(parameters.org, parameters.replay);
    return replay === undefined ? refused(notFound("replay")) : done(presentReplay(replay));
  };
}
