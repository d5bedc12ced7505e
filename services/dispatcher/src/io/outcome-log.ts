/**
 * Writes delivery events to LOG, batched by partition. A batch is frozen before it is published and repeated under the
 * same id until the answer is definite: after a POST nothing is dropped.
 */

import { randomUUID } from "node:crypto";
import { encodedLogEventBytes, encodeLogEvents } from "@posthorn/contracts";
import { ALL_PARTITIONS, type DeliveryEvent } from "@posthorn/domain";
import { type Publisher, subjectOf } from "@posthorn/message-bus";
import { Batcher } from "./batcher.ts";

/** Log messages per partition that are published and not yet acknowledged. */
const IN_FLIGHT_MAX = 2;
const ENTRIES_PER_MESSAGE_MAX = 256;

/** The events of one decision: they stand together in one message. */
export type OutcomeLog = { append(partition: number, events: readonly DeliveryEvent[]): Promise<void> };

/** @param messageBytesMax what one LOG message may hold. */
export function openOutcomeLog(publisher: Publisher, messageBytesMax: number): OutcomeLog {
  const batchers = ALL_PARTITIONS.map(
    (partition) =>
      new Batcher<readonly DeliveryEvent[], true>({
        itemsMax: ENTRIES_PER_MESSAGE_MAX,
        bytesMax: messageBytesMax,
        sizeOf: (events) => events.reduce((sum, event) => sum + encodedLogEventBytes(event), 0),
        inFlightMax: IN_FLIGHT_MAX,
        send: async (entries) => {
          const payload = encodeLogEvents(entries.flat());
          await publisher.publishUntilStored({ subject: subjectOf("LOG", partition), payload, id: randomUUID() });
          return entries.map(() => true);
        },
      }),
  );
  return {
    append: async (partition, events) => {
      await batchers[partition]?.add(events);
    },
  };
}
