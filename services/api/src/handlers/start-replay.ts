/** Starts a replay. It is written down and logged here; the scheduler carries it out. */

import { parseReplayId, type ReplayStarted } from "@posthorn/domain";
import { actorOf } from "../core/actor.ts";
import { presentReplay } from "../core/present-replay.ts";
import { EMPTY_RANGE, notFound, WEBHOOK_DISABLED } from "../core/problems.ts";
import { replayRangeOf } from "../core/replay-range.ts";
import { recordAudit } from "../io/record-audit.ts";
import type { Replays } from "../io/replays.ts";
import type { ReadWebhookStanding } from "../io/webhook-standing.ts";
import { startReplayRoute } from "../schemas/replay.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type StartReplayPorts = {
  readonly replays: Pick<Replays, "start">;
  readonly webhookStanding: ReadWebhookStanding;
  readonly chance: Chance;
};

export function startReplay({ replays, webhookStanding, chance }: StartReplayPorts): Handler<typeof startReplayRoute> {
  return async ({ caller, parameters, body, id: requestId, keep }) => {
    const { org: orgId, webhook: webhookId } = parameters;
    const standing = await webhookStanding(orgId, webhookId);
    if (standing === "unknown" || standing === "deleted") return refused(notFound("webhook"));
    if (standing === "disabled") return refused(WEBHOOK_DISABLED);
    const { id: replayId, createdAtMs: atMs } = newBirth(chance, parseReplayId);
    const range = replayRangeOf(body, atMs);
    if (range === undefined) return refused(EMPTY_RANGE);
    const by = actorOf(caller);
    const started: ReplayStarted = { kind: "replay.started", orgId, atMs, replayId, webhookId, ...range, by };
    const answer = done(presentReplay(newReplay(started)));
    const keepAnswer = keep(answer);
    await replays.start(started, async (transaction) => {
      await keepAnswer(transaction);
      const subject = { subjectKind: "replay", subjectId: replayId, fields: Object.keys(body) } as const;
      const { operation: action } = startReplayRoute;
      await recordAudit(transaction, { orgId, actor: by, action, ...subject, requestId }, chance);
    });
    return answer;
  };
}

function newReplay(started: ReplayStarted) {
  return {
    ...started,
    id: started.replayId,
    startedBy: started.by,
    createdAtMs: started.atMs,
    state: "running",
    total: undefined,
    done: 0,
    skipped: 0,
    finishedAtMs: undefined,
  } as const;
}
