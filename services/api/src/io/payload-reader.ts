/**
 * Reads an event's payload from its place in INGEST. Organisation and event id inside the message are verified at
 * every read: a place is a pointer, never a proof.
 */

import { decodeEventGroup } from "@posthorn/contracts";
import type { AcceptedEvent, EventId, OrgId, PayloadPlace } from "@posthorn/domain";
import { type BusConnection, messageAt, streamPosition } from "@posthorn/message-bus";

export type PayloadOf = { readonly orgId: OrgId; readonly eventId: EventId; readonly place: PayloadPlace };

export type Payload =
  | { readonly kind: "found"; readonly event: AcceptedEvent }
  | { readonly kind: "gone" }
  /** NATS cannot say. */
  | { readonly kind: "unavailable" };

export type ReadPayload = (of: PayloadOf) => Promise<Payload>;

export function payloadReader(connection: BusConnection): ReadPayload {
  return async ({ orgId, eventId, place }) => {
    if (!connection.isConnected) return { kind: "unavailable" };
    try {
      const { epochMs } = await streamPosition(connection, "INGEST");
      const message = epochMs === place.epochMs ? await messageAt(connection, "INGEST", place.sequence) : undefined;
      if (message === undefined) return { kind: "gone" };
      const group = decodeEventGroup(message.data);
      const event = group.kind === "decoded" ? group.value[place.index] : undefined;
      return event?.orgId === orgId && event.id === eventId ? { kind: "found", event } : { kind: "gone" };
    } catch {
      return { kind: "unavailable" };
    }
  };
}
