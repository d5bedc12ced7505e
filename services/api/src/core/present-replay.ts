/** A replay as JSON. */

import type { DeliveryStatus, OrgId, ReplayId, WebhookId } from "@posthorn/domain";
import { instant, instantOrNull } from "./instant.ts";

export type Replay = {
  readonly id: ReplayId;
  readonly orgId: OrgId;
  readonly webhookId: WebhookId;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly statuses: readonly DeliveryStatus[];
  /** Patterns; empty: all types. */
  readonly types: readonly string[];
  readonly startedBy: string;
  readonly createdAtMs: number;
  readonly state: "running" | "finished";
  /** Undefined until it has been counted. */
  readonly total: number | undefined;
  readonly done: number;
  readonly skipped: number;
  readonly finishedAtMs: number | undefined;
};

export function presentReplay(replay: Replay) {
  return {
    id: replay.id,
    webhook_id: replay.webhookId,
    state: replay.state,
    total: replay.total ?? null,
    done: replay.done,
    skipped: replay.skipped,
    since: instant(replay.sinceMs),
    until: instant(replay.untilMs),
    status: [...replay.statuses],
    types: [...replay.types],
    started_by: replay.startedBy,
    created_at: instant(replay.createdAtMs),
    finished_at: instantOrNull(replay.finishedAtMs),
  };
}
