/** Events at an even pace that say when they were sent, and how long each took to its receiver. */

import { setTimeout as sleep } from "node:timers/promises";
import type { RecordedRequest } from "@posthorn/testkit";
import type { Tenant } from "../tenant.ts";

const TICK_MS = 20;

/**
 * Publishes batches, one every 20 ms, until the time is over.
 * @param typeOf the type of the n-th event.
 * @returns how many were accepted; rejects when one was not.
 */
export async function publishPaced(
  tenant: Tenant,
  options: { readonly perSecond: number; readonly forMs: number },
  typeOf: (index: number) => string,
): Promise<number> {
  const startedAtMs = performance.now();
  const answers: Promise<void>[] = [];
  let sent = 0;
  while (performance.now() - startedAtMs < options.forMs) {
    const due = Math.floor(((performance.now() - startedAtMs) / 1_000) * options.perSecond);
    const sentAt = Date.now();
    const events = Array.from({ length: due - sent }, (_, index) => ({
      type: typeOf(sent + index),
      data: { sentAt, number: sent + index },
    }));
    sent = due;
    if (events.length > 0) answers.push(publishBatch(tenant, events));
    await sleep(TICK_MS);
  }
  await Promise.all(answers);
  return sent;
}

/** As many as one request may hold, until all are accepted. */
export async function publishAll(tenant: Tenant, count: number, typeOf: (index: number) => string): Promise<void> {
  const AT_ONCE = 1_000;
  for (let first = 0; first < count; first += AT_ONCE) {
    const sentAt = Date.now();
    const events = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => ({
      type: typeOf(first + index),
      data: { sentAt, number: first + index },
    }));
    await publishBatch(tenant, events);
  }
}

async function publishBatch(tenant: Tenant, events: readonly object[]): Promise<void> {
  const answer = await tenant.ingest("POST", `/v1/orgs/${tenant.orgId}/events/batch`, { events });
  const { results } = answer.body as { results?: readonly { error?: unknown }[] };
  const refused = results?.find((result) => result.error !== undefined);
  if (answer.status === 202 && refused === undefined) return;
  throw new Error(`ingest answered ${answer.status}: ${JSON.stringify(refused ?? answer.body)}`);
}

export function numberOf(request: RecordedRequest): number {
  return eventOf(request).data.number;
}

function eventOf(request: RecordedRequest): { readonly data: { readonly sentAt: number; readonly number: number } } {
  return JSON.parse(request.body.toString()) as ReturnType<typeof eventOf>;
}

/** Milliseconds from the publisher's call to the receiver, for each request, in ascending order. */
export function latenciesMs(requests: readonly RecordedRequest[]): readonly number[] {
  return requests.map((request) => request.arrivedAtMs - eventOf(request).data.sentAt).sort((a, b) => a - b);
}

/** @param share 0.99 for the 99th percentile. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The most requests that arrived in any second. */
export function mostInAnySecond(requests: readonly RecordedRequest[]): number {
  const times = requests.map((request) => request.arrivedAtMs).sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [last, atMs] of times.entries()) {
    while ((times[first] ?? 0) <= atMs - 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
