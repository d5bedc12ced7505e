/**
 * Writes events to LOG, batched by partition. A batch is frozen before it is published and repeated under the
 * same id until the answer is definite: after a POST nothing is dropped.
 */

import { randomUUID } from "node:crypto";
import { encodeLogEvents } from "@posthorn/contracts";
import { ALL_PARTITIONS, type LogEvent } from "@posthorn/domain";
import { type Publisher, subjectOf } from "@posthorn/message-bus";
import { Batcher } from "./batcher.ts";

/** Log messages per partition that are published and not yet acknowledged. */
const IN_FLIGHT_MAX = 2;
const ENTRIES_PER_MESSAGE_MAX = 256;
/**
 * Outcomes come one by one, each POST in its own time. Without a pause between the messages every outcome would be a
 * message of its own, for the broker, the projector and the archive to pay for; nobody waits for these five milliseconds.
 */
const MESSAGE_INTERVAL_MS = 5;

export type OutcomeLog = {
  /** The events of one decision: they stand together in one message. What cannot be encoded throws, for itself alone. */
  append(partition: number, events: readonly LogEvent[]): Promise<unknown>;
};

/** @param messageBytesMax what one LOG message may hold. */
export function openOutcomeLog(publisher: Pick<Publisher, "publishUntilStored">, messageBytesMax: number): OutcomeLog {
  const batchers = ALL_PARTITIONS.map(
    (partition) =>
      new Batcher<Uint8Array, true>({
        itemsMax: ENTRIES_PER_MESSAGE_MAX,
        bytesMax: messageBytesMax,
        sizeOf: (entry) => entry.length,
        inFlightMax: IN_FLIGHT_MAX,
        intervalMs: MESSAGE_INTERVAL_MS,
        send: async (entries) => {
          // Messages that consist of one repeated field: put one behind the other, they are one message with all.
          const payload = Buffer.concat(entries);
          await publisher.publishUntilStored({ subject: subjectOf("LOG", partition), payload, id: randomUUID() });
          return entries.map(() => true);
        },
      }),
  );
  return {
    append: (partition, events) => {
      const batcher = batchers[partition];
      if (batcher === undefined) throw new RangeError(`there is no partition ${partition}`);
      return batcher.add(encodeLogEvents(events));
    },
  };
}
