/** `POST /v1/orgs/{org}/events/batch`: many events of one organisation, answered once each is durable or refused. */

import { batchRefusal } from "../core/batch-answer.ts";
import { type Idempotency, NO_IDEMPOTENCY, parseIdempotencyKey } from "../core/dedupe-key.ts";
import { parseBatch } from "../core/parse-batch.ts";
import type { FieldError, RefusalCode, Refused } from "../core/refusals.ts";
import type { IngestEvents } from "../events.ts";
import type { Acceptance, AcceptEvent } from "./accept-event.ts";
import type { EventAnswer, PublishRequest } from "./http-publish-event.ts";

/** In the order of the batch; at least one event is stored. */
export type BatchAnswer = { readonly results: readonly (EventAnswer | { readonly error: EventProblem })[] };

/** Paths are relative to the event. */
export type EventProblem = {
  readonly code: RefusalCode;
  readonly message: string;
  readonly errors: readonly FieldError[];
};

export type PublishBatch = (
  request: PublishRequest,
) => Promise<{ readonly kind: "answered"; readonly answer: BatchAnswer } | Refused>;

export function createPublishBatch(acceptEvent: AcceptEvent, events: IngestEvents): PublishBatch {
  const noted = (refused: Refused): Refused => {
    events.refused(refused.refusal.code);
    return refused;
  };
  return async ({ org, body, idempotencyKey, traceparent, hops }) => {
    const key = parseIdempotencyKey(idempotencyKey);
    if (key.kind === "refused") return noted(key);
    const batch = parseBatch(body);
    if (batch.kind === "refused") return noted(batch);
    const results = await Promise.all(
      batch.value.map((event, index) =>
        acceptEvent(event, { org, idempotency: idempotencyAt(index, key.value), traceparent, hops }),
      ),
    );
    const refusals = results.flatMap((result) => (result.kind === "refused" ? [result.refusal] : []));
    if (refusals.length === results.length) return batchRefusal(refusals);
    return { kind: "answered", answer: { results: results.map(resultOf) } };
  };
}

function idempotencyAt(index: number, key: string | undefined): Idempotency {
  return key === undefined ? NO_IDEMPOTENCY : { kind: "batch", key, index };
}

function resultOf(result: Acceptance): BatchAnswer["results"][number] {
  if (result.kind === "accepted") return { id: result.id, duplicate: result.duplicate };
  const { code, detail, errors } = result.refusal;
  return { error: { code, message: detail, errors } };
}
