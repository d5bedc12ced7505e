/** Outcomes: which attempts need no further work? Answered behind the log position that the caller names. */

import { status } from "@grpc/grpc-js";
import type { AttemptRef, OutcomesRequest, OutcomesResponse } from "@posthorn/contracts";
import { type DeliveryId, PARTITIONS, parseDeliveryId } from "@posthorn/domain";
import type { RpcResult } from "@posthorn/service-runtime";
import type { ProjectorEvents } from "../events.ts";
import type { CheckpointWatch } from "../io/checkpoint-watch.ts";
import type { ReadProgress } from "../io/delivery-progress.ts";

/** Attempts that one call may ask about. */
export const ATTEMPTS_MAX = 1_000;
/** A caller without a deadline, or with a distant one, is answered no later. */
const WAIT_MS_MAX = 10_000;
/** Kept back from the caller's deadline, to answer within it. */
const ANSWER_MARGIN_MS = 50;

export type AnswerOutcomesOptions = {
  readonly watch: Pick<CheckpointWatch, "reached">;
  readonly readProgress: ReadProgress;
  readonly events: Pick<ProjectorEvents, "outcomesAnswered" | "outcomesFailed">;
};

/** @param remainingMs until the caller's deadline. */
export async function answerOutcomes(
  request: OutcomesRequest,
  remainingMs: number,
  { watch, readProgress, events }: AnswerOutcomesOptions,
): Promise<RpcResult<OutcomesResponse>> {
  const { partition, epochMs, minSequence, attempts } = request;
  if (partition >= PARTITIONS) return invalid(`partition must be below ${PARTITIONS}, is ${partition}.`);
  if (attempts.length > ATTEMPTS_MAX) return invalid(`at most ${ATTEMPTS_MAX} attempts, got ${attempts.length}.`);
  const ids = attempts.map((attempt) => parseDeliveryId(attempt.deliveryId)).filter((id) => id !== undefined);
  if (ids.length < attempts.length) return invalid("delivery_id must be a UUID.");

  const deadline = AbortSignal.timeout(Math.max(0, Math.min(remainingMs - ANSWER_MARGIN_MS, WAIT_MS_MAX)));
  try {
    // A partition without a message has nothing to wait for, and no checkpoint to wait on.
    const wanted = { streamEpochMs: epochMs, sequence: minSequence };
    const isThere = minSequence === 0 || (await watch.reached(partition, wanted, deadline));
    events.outcomesAnswered(isThere ? "answered" : "too_late");
    if (!isThere) return refusal(status.DEADLINE_EXCEEDED, `partition ${partition} is not projected that far yet.`);
    const progress = await readProgress(ids);
    const settled = attempts.map((attempt, index) => isSettled(attempt, ids[index], progress));
    return { kind: "response", response: { settled } };
  } catch (error) {
    events.outcomesFailed(error);
    return refusal(status.UNAVAILABLE, "Postgres does not answer.");
  }
}

type Progress = Awaited<ReturnType<ReadProgress>>;

function isSettled(attempt: AttemptRef, id: DeliveryId | undefined, progress: Progress): boolean {
  const found = id === undefined ? undefined : progress.get(id);
  if (found === undefined) return false;
  return found.isFinal || found.attemptCount >= attempt.attempt || found.release > attempt.release;
}

function invalid(detail: string): RpcResult<never> {
  return refusal(status.INVALID_ARGUMENT, detail);
}

function refusal(code: status, detail: string): RpcResult<never> {
  return { kind: "refusal", code, detail };
}
