/**
 * Reads an event's payload from its place in INGEST, for work that does not carry it. Organisation and event id inside
 * the message are verified at every read: a place is a pointer, never a proof.
 */

import { decodeEventGroup } from "@posthorn/contracts";
import type { AcceptedEvent, WorkItem } from "@posthorn/domain";
import { type BusConnection, messageAt, streamPosition } from "@posthorn/message-bus";

export type PayloadReader = { read(item: WorkItem): Promise<AcceptedEvent | undefined> };

/** How long the stream's epoch is taken for granted. A recreated stream reuses sequences. */
const EPOCH_TRUSTED_MS = 5_000;

/** Undefined: the payload is gone for good. Rejects while NATS cannot say. */
export function openPayloadReader(connection: BusConnection): PayloadReader {
  let epoch: { readonly ms: number; readonly trustedUntilMs: number } | undefined;

  async function epochMs(): Promise<number> {
    if (epoch === undefined || performance.now() > epoch.trustedUntilMs) {
      const position = await streamPosition(connection, "INGEST");
      epoch = { ms: position.epochMs, trustedUntilMs: performance.now() + EPOCH_TRUSTED_MS };
    }
    return epoch.ms;
  }

  return {
    read: async (item) => {
      if (item.event !== undefined) return item.event;
      if ((await epochMs()) !== item.place.epochMs) return undefined;
      const message = await messageAt(connection, "INGEST", item.place.sequence);
      if (message === undefined) return undefined;
      const group = decodeEventGroup(message.data);
      const event = group.kind === "decoded" ? group.value[item.place.index] : undefined;
      return event?.orgId === item.orgId && event.id === item.eventId ? event : undefined;
    },
  };
}
