/**
 * Batches as fast as the engine delivers them: no more deliveries are on the way than `ON_THE_WAY_MAX`, since the
 * draining of a backlog is another question. What has arrived is asked of the receiver: that costs the engine nothing.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { FastReceiver } from "../fast-receiver.ts";
import { batchOf, dataOf, eventOf } from "./bench-event.ts";
import type { HttpPublisher } from "./http-publisher.ts";

export const BATCH_EVENTS = 50;
/** Batches on the way at once: enough to keep ingest busy, few enough to feel its back-pressure. */
export const BATCHES_IN_FLIGHT = 8;
/** A quarter of a second of deliveries, at the rate that is aimed at: enough to keep every service busy. */
const ON_THE_WAY_MAX = 2_500;
const COUNT_EVERY_MS = 25;
const WAIT_MS = 5;

export type ClosedLoop = {
  readonly publisher: HttpPublisher;
  readonly receiver: FastReceiver;
  /** Deliveries that each event makes. */
  readonly fanOut: number;
  /** Whether another batch is to be published, after this many events. */
  readonly goesOn: (events: number) => boolean;
};

/** @returns the events published; returns as soon as the last one is accepted. */
export async function runClosedLoop({ publisher, receiver, fanOut, goesOn }: ClosedLoop): Promise<number> {
  const batch = Buffer.from(batchOf(Array.from({ length: BATCH_EVENTS }, () => eventOf(dataOf()))));
  const arrivedBefore = await receiver.count();
  let arrived = 0;
  let published = 0;
  const publish = async () => {
    while (goesOn(published)) {
      if (published * fanOut - arrived > ON_THE_WAY_MAX) {
        await sleep(WAIT_MS);
        continue;
      }
      published += BATCH_EVENTS;
      await publisher.publishBatch(batch);
    }
  };
  let isCounting = true;
  const counting = (async () => {
    while (isCounting) {
      await sleep(COUNT_EVERY_MS);
      arrived = (await receiver.count()) - arrivedBefore;
    }
  })();
  try {
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, publish));
  } finally {
    isCounting = false;
    await counting;
  }
  return published;
}
