/** Writes what the scheduler decides to LOG. The message's id follows from what it says: a repeat is none. */

import { encodedLogEventBytes, encodeLogEvents } from "@posthorn/contracts";
import { type LogEvent, logEventId, partitionOf, uuidv5 } from "@posthorn/domain";
import { type Publisher, subjectOf } from "@posthorn/message-bus";

/** Resolves when all of it is stored; rejects when that is not certain. Events of one partition; none is fine. */
export type WriteLog = (events: readonly LogEvent[]) => Promise<void>;

/** Without an answer for this long nobody can say; the caller's next round says it again. */
const ANSWER_MS_MAX = 5_000;

export function openLogWriter(publisher: Pick<Publisher, "publish">, messageBytesMax: number): WriteLog {
  return async (events) => {
    for (const batch of batchesOf(events, messageBytesMax)) {
      const subject = subjectOf("LOG", partitionOf(batch[0].orgId));
      const request = { subject, payload: encodeLogEvents(batch), id: batchId(batch) };
      const published = await publisher.publish(request, ANSWER_MS_MAX);
      if (published.kind === "refused") throw new Error(`${subject} refused an event: ${published.message}`);
      if (published.kind === "unknown") throw new Error(`${subject} did not say whether it stored an event`);
    }
  };
}

type Batch = [LogEvent, ...LogEvent[]];

function batchId(batch: Readonly<Batch>): string {
  const [first] = batch;
  return batch.length === 1 ? logEventId(first) : uuidv5(first.orgId, batch.map(logEventId).join());
}

function batchesOf(events: readonly LogEvent[], bytesMax: number): readonly Readonly<Batch>[] {
  const batches: Batch[] = [];
  let room = 0;
  for (const event of events) {
    const bytes = encodedLogEventBytes(event);
    const batch = bytes <= room ? batches.at(-1) : undefined;
    if (batch === undefined) batches.push([event]);
    else batch.push(event);
    room = (batch === undefined ? bytesMax : room) - bytes;
  }
  return batches;
}
