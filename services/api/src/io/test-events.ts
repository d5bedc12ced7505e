/** Keeps test events where all events are, so that history can show what a test sent. */

import { encodeEventGroup } from "@posthorn/contracts";
import { type AcceptedEvent, type PayloadPlace, partitionOf } from "@posthorn/domain";
import { type BusConnection, CONFIG_STREAM, type Publisher, streamPosition, subjectOf } from "@posthorn/message-bus";

export type KeptTestEvent =
  | {
      readonly kind: "kept";
      readonly place: PayloadPlace;
      /** The bucket's last revision: whoever has come this far knows of every change that was answered before. */
      readonly configRevision: number;
    }
  | { readonly kind: "unavailable" };

export type KeepTestEvent = (event: AcceptedEvent) => Promise<KeptTestEvent>;

const KEEP_MS_MAX = 2_000;

/** @param onTrouble told why an event was not kept. */
export function testEventKeeper(
  connection: BusConnection,
  publisher: Publisher,
  onTrouble: (reason: string) => void,
): KeepTestEvent {
  return async (event) => {
    if (!connection.isConnected) return { kind: "unavailable" };
    try {
      const [ingest, config] = await Promise.all([
        streamPosition(connection, "INGEST"),
        streamPosition(connection, CONFIG_STREAM),
      ]);
      const subject = subjectOf("INGEST", partitionOf(event.orgId));
      const message = { subject, payload: encodeEventGroup([event]), id: `test:${event.id}` };
      const published = await publisher.publish(message, KEEP_MS_MAX);
      if (published.kind === "stored") {
        const place = { epochMs: ingest.epochMs, sequence: published.sequence, index: 0 };
        return { kind: "kept", place, configRevision: config.lastSequence };
      }
      onTrouble(published.kind === "refused" ? published.message : "NATS did not answer in time");
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : String(error));
    }
    return { kind: "unavailable" };
  };
}
