/** Batches of 100 events over HTTP, eight at a time, each sent as soon as the one before it is answered. */

import { batchOf, dataOf, eventOf } from "./bench-event.ts";
import type { HttpPublisher } from "./http-publisher.ts";

export const ACCEPT_BATCH_EVENTS = 100;
export const ACCEPT_BATCHES_AT_ONCE = 8;

export type Accepted = { readonly accepted: number; readonly perSecond: number };

/** @param idPrefix gives each event a caller's id. */
export async function publishBatches(
  publisher: HttpPublisher,
  { forMs, idPrefix }: { readonly forMs: number; readonly idPrefix?: string },
): Promise<Accepted> {
  const data = dataOf();
  const batchFrom = (first: number) =>
    batchOf(
      Array.from({ length: ACCEPT_BATCH_EVENTS }, (_, index) =>
        eventOf(data, idPrefix === undefined ? undefined : `${idPrefix}${first + index}`),
      ),
    );
  const same = Buffer.from(batchFrom(0));
  const startedMs = performance.now();
  let sent = 0;
  const loop = async () => {
    while (performance.now() - startedMs < forMs) {
      const batch = idPrefix === undefined ? same : batchFrom(sent);
      sent += ACCEPT_BATCH_EVENTS;
      await publisher.publishBatch(batch);
    }
  };
  await Promise.all(Array.from({ length: ACCEPT_BATCHES_AT_ONCE }, loop));
  return { accepted: sent, perSecond: (sent * 1_000) / (performance.now() - startedMs) };
}
