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
 * message of its own, for the broker, the projector and the archive to pay for; nobody waits for these milliseconds.
 */
const INTERVAL_MS_MIN = 5;
const INTERVAL_MS_MAX = 15;
/** Outcomes in one message: at the shorter pause these are 1,600 a second. */
const CROWD = 8;

export type OutcomeLog = {
  /**
   * The events of one decision: they stand together in one message. What cannot be encoded throws, for itself alone.
   * @param isUrgent something else waits for them to be logged.
   */
  append(partition: number, events: readonly LogEvent[], isUrgent: boolean): Promise<unknown>;
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
        intervalMsAfter: (entries) => (entries < CROWD ? INTERVAL_MS_MIN : INTERVAL_MS_MAX),
        send: async (entries) => {
          // Messages that consist of one repeated field: put one behind the other, they are one message with all.
          const payload = Buffer.concat(entries);
          await publisher.publishUntilStored({ subject: subjectOf("LOG", partition), payload, id: randomUUID() });
          return entries.map(() => true);
        },
      }),
  );
  return {
    append: (partition, events, isUrgent) => {
      const batcher = batchers[partition];
      if (batcher === undefined) throw new RangeError(`there is no partition ${partition}`);
      return batcher.add(encodeLogEvents(events), isUrgent);
    },
  };
}
