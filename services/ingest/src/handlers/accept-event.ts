/** Accepts one event: checks it against the catalogue, gives it its id and its span, has it stored, and answers. */

import type { AcceptedEvent, EventId, OrgId } from "@posthorn/domain";
import type { SpanStart, Tracing } from "@posthorn/service-runtime";
import { type DedupeKey, dedupeKeyOf, type Idempotency } from "../core/dedupe-key.ts";
import { parseHops } from "../core/hops.ts";
import type { NewEvent } from "../core/new-event.ts";
import { type Checked, type MomentaryCode, momentary, type Refused, refused } from "../core/refusals.ts";
import type { IngestEvents } from "../events.ts";
import type { CheckEvent } from "./check-event.ts";

/** Takes an event as it was read, so that every refusal of an event is noted in one place. */
export type AcceptEvent = (event: Checked<NewEvent>, publish: Publish) => Promise<Acceptance>;

/** What belongs to the act of publishing, not to the event. */
export type Publish = {
  readonly org: OrgId;
  readonly idempotency: Idempotency;
  /** The publisher's W3C trace context, not checked yet. */
  readonly traceparent: string | undefined;
  /** The header that counts deliveries, not checked yet. */
  readonly hops: string | undefined;
};

export type Acceptance =
  /** Durable. A duplicate's id is that of the first event. */
  { readonly kind: "accepted"; readonly id: EventId; readonly duplicate: boolean } | Refused;

/** Where accepted events go. */
type Log = {
  append(event: AcceptedEvent, key: DedupeKey | undefined): Promise<Appended>;
};

type Appended =
  | { readonly kind: "stored"; readonly id: EventId; readonly duplicate: boolean }
  | { readonly kind: "unreadable" }
  | { readonly kind: "unavailable"; readonly code: MomentaryCode };

export function createAcceptEvent(ports: {
  readonly checkEvent: CheckEvent;
  readonly log: Log;
  readonly tracing: Pick<Tracing, "enabled" | "startSpan">;
  readonly events: Pick<IngestEvents, "accepted" | "refused">;
  readonly newEventId: (nowMs: number) => EventId;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
}): AcceptEvent {
  const { checkEvent, tracing, events, newEventId, nowMs, monotonicMs } = ports;

  const append = async (event: NewEvent, hops: number, key: DedupeKey | undefined, { org, traceparent }: Publish) => {
    const acceptedAtMs = nowMs();
    const id = newEventId(acceptedAtMs);
    const span = tracing.startSpan("publish", spanStart(tracing.enabled, traceparent, id, event.type));
    const of = { id, orgId: org, acceptedAtMs, traceparent: span.traceparent };
    const accepted = { ...event, ...of, forWebhook: undefined, hops };
    const acceptance = acceptanceOf(await ports.log.append(accepted, key));
    if (acceptance.kind === "refused") span.fail(acceptance.refusal.code);
    span.end();
    return acceptance;
  };

  const noted = (refused: Refused): Refused => {
    events.refused(refused.refusal.code);
    return refused;
  };

  return async (event, publish) => {
    if (event.kind === "refused") return noted(event);
    const hops = parseHops(publish.hops);
    if (hops.kind === "refused") return noted(hops);
    const key = dedupeKeyOf(publish.org, event.value.callerId, publish.idempotency);
    if (key.kind === "refused") return noted(key);
    const startedAtMs = monotonicMs();
    const check = checkEvent(publish.org, event.value);
    // Waiting for what is known would let a later event overtake.
    const checked = check instanceof Promise ? await check : check;
    if (checked.kind === "refused") return noted(checked);
    const acceptance = await append(checked.value, hops.value, key.value, publish);
    if (acceptance.kind === "refused") return noted(acceptance);
    events.accepted(acceptance.duplicate, monotonicMs() - startedAtMs);
    return acceptance;
  };
}

function acceptanceOf(appended: Appended): Acceptance {
  switch (appended.kind) {
    case "stored":
      return { kind: "accepted", id: appended.id, duplicate: appended.duplicate };
    case "unavailable":
      return momentary(appended.code);
    case "unreadable":
      return refused("duplicate_unreadable", "An event with this id was accepted before, but its record is gone.");
    default:
      return appended satisfies never;
  }
}

function spanStart(isRecorded: boolean, parent: string | undefined, id: EventId, type: string): SpanStart {
  if (!isRecorded) return { kind: "producer", parent };
  const attributes = {
    "messaging.system": "nats",
    "messaging.operation.type": "send",
    "messaging.destination.name": "INGEST",
    "posthorn.event.id": id,
    "posthorn.event.type": type,
  };
  return { kind: "producer", parent, attributes };
}
