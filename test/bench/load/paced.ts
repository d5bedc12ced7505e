/**
 * Events at an even rate, whatever becomes of them: every five milliseconds one request with those that are due. Each
 * carries the moment at which it was due, so a load that falls behind shows in what is measured.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { batchOf, dataOf, eventOf } from "./bench-event.ts";
import type { HttpPublisher } from "./http-publisher.ts";

const TICK_MS = 5;

export type PacedLoad = {
  readonly publisher: HttpPublisher;
  readonly perSecond: number;
  readonly forMs: number;
  /** Told the id of about so many events per second, as soon as they are accepted. */
  readonly samplesPerSecond: number;
  readonly onSample: (eventId: string) => void;
};

type BatchAnswer = { readonly results: readonly { readonly id: string }[] };

/** @returns how many were published; returns when all are accepted. */
export async function publishPaced(load: PacedLoad): Promise<number> {
  const startedMs = performance.now();
  const answers: Promise<void>[] = [];
  let sent = 0;
  let sampled = 0;
  const publish = async (dueTimesMs: readonly number[], isSampled: boolean) => {
    const events = dueTimesMs.map((sentAtMs) => eventOf(dataOf({ sentAtMs })));
    const answer = await load.publisher.publishBatch(batchOf(events));
    if (!isSampled) return;
    const { results }: BatchAnswer = JSON.parse(answer);
    if (results[0] !== undefined) load.onSample(results[0].id);
  };
  for (let elapsedMs = 0; elapsedMs < load.forMs; elapsedMs = performance.now() - startedMs) {
    const due = Math.floor((elapsedMs / 1_000) * load.perSecond);
    if (due > sent) {
      const isSampled = sampled < (elapsedMs / 1_000) * load.samplesPerSecond;
      if (isSampled) sampled += 1;
      const dueTimesMs = Array.from(
        { length: due - sent },
        (_, index) => performance.timeOrigin + startedMs + ((sent + index + 1) * 1_000) / load.perSecond,
      );
      sent = due;
      answers.push(publish(dueTimesMs, isSampled));
    }
    await sleep(TICK_MS);
  }
  await Promise.all(answers);
  return sent;
}
