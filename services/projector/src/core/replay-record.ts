/** A replay as the projection knows it: the fold of its events. */

import type { ReplayFinished, ReplayProgress, ReplayProgressed, ReplayStarted } from "@posthorn/domain";

export type ReplayRecord = Pick<
  ReplayStarted,
  "orgId" | "replayId" | "webhookId" | "sinceMs" | "untilMs" | "statuses" | "types" | "by"
> & {
  readonly createdAtMs: number;
  /** Undefined until the first page, which counts. */
  readonly progress: ReplayProgress | undefined;
  readonly finishedAtMs: number | undefined;
};

export type ReplayEvent = ReplayStarted | ReplayProgressed | ReplayFinished;

/** The very same record when the event changes nothing. Undefined: nothing is known of the replay's start. */
export function applyReplayEvent(record: ReplayRecord | undefined, event: ReplayEvent): ReplayRecord | undefined {
  switch (event.kind) {
    case "replay.started":
      return record ?? startOf(event);
    case "replay.progressed":
      return record === undefined || isBehind(record, event.progress)
        ? record
        : { ...record, progress: event.progress };
    case "replay.finished":
      return record === undefined || record.finishedAtMs !== undefined
        ? record
        : { ...record, progress: event.progress, finishedAtMs: event.atMs };
    default:
      return event satisfies never;
  }
}

function startOf({ kind: _, atMs, ...started }: ReplayStarted): ReplayRecord {
  return { ...started, createdAtMs: atMs, progress: undefined, finishedAtMs: undefined };
}

/** A page that was recorded before, or after the end. */
function isBehind({ progress, finishedAtMs }: ReplayRecord, next: ReplayProgress): boolean {
  if (finishedAtMs !== undefined) return true;
  return progress !== undefined && next.done + next.skipped <= progress.done + progress.skipped;
}
