/** `POST /v1/orgs/{org}/events`: one event, answered once it is durable. */

import type { EventId, OrgId } from "@posthorn/domain";
import { type Idempotency, NO_IDEMPOTENCY, parseIdempotencyKey } from "../core/dedupe-key.ts";
import { parseEvent } from "../core/parse-event.ts";
import type { Refused } from "../core/refusals.ts";
import type { IngestEvents } from "../events.ts";
import type { AcceptEvent } from "./accept-event.ts";

/** What a request says, as bytes and texts; who may say it has been decided before. */
export type PublishRequest = {
  readonly org: OrgId;
  readonly body: Uint8Array;
  readonly idempotencyKey: string | undefined;
  readonly traceparent: string | undefined;
  readonly hops: string | undefined;
};

export type EventAnswer = { readonly id: EventId; readonly duplicate: boolean };

export type PublishEvent = (
  request: PublishRequest,
) => Promise<{ readonly kind: "answered"; readonly answer: EventAnswer } | Refused>;

export function createPublishEvent(acceptEvent: AcceptEvent, events: IngestEvents): PublishEvent {
  return async ({ org, body, idempotencyKey, traceparent, hops }) => {
    const key = parseIdempotencyKey(idempotencyKey);
    if (key.kind === "refused") {
      events.refused(key.refusal.code);
      return key;
    }
    const idempotency: Idempotency = key.value === undefined ? NO_IDEMPOTENCY : { kind: "event", key: key.value };
    const acceptance = await acceptEvent(parseEvent(body), { org, idempotency, traceparent, hops });
    if (acceptance.kind === "refused") return acceptance;
    return { kind: "answered", answer: { id: acceptance.id, duplicate: acceptance.duplicate } };
  };
}
