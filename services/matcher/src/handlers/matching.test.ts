import { EventFilters } from "@posthorn/content-filter";
import { encodeEventGroup } from "@posthorn/contracts";
import { partitionOf } from "@posthorn/domain";
import type { TakenMessage } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import { event, orgId } from "../core/matcher.fixture.ts";
import { PartitionLoad } from "../core/partition-load.ts";
import { SubscriptionDirectory } from "../core/subscription-directory.ts";
import { BATCH_INTERVAL_MS, Matching } from "./matching.ts";

const PARTITION = partitionOf(orgId(1));
const BATCHES = 6;

/** One event; the next one is there when it has been acknowledged. */
const message = (ack: () => void): TakenMessage => ({
  subject: `ingest.${PARTITION}`,
  data: encodeEventGroup([event()]),
  sequence: 1,
  storedAtMs: 0,
  partition: PARTITION,
  lane: "main",
  mayBeRepeat: false,
  isRedelivered: false,
  leaseEndsAtMs: () => Number.POSITIVE_INFINITY,
  ack,
  giveBack() {},
  working() {},
});

/** @returns when each batch was taken, and how many were before any timer could run. */
async function takings(): Promise<{ readonly takenAtMs: readonly number[]; readonly takenAtOnce: number }> {
  const takenAtMs: number[] = [];
  const done = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let isThere = true;
  const source = {
    take: () => {
      if (!isThere || takenAtMs.length === BATCHES) return [];
      isThere = false;
      takenAtMs.push(performance.now());
      return [
        message(() => {
          isThere = true;
          if (takenAtMs.length === BATCHES) done.resolve();
        }),
      ];
    },
    available: async () => {
      if (takenAtMs.length === BATCHES) await closed.promise;
      else await Promise.resolve();
    },
    reconsider: () => {},
    [Symbol.dispose]: () => closed.resolve(),
  };
  const nothing = () => {};
  const events = {
    batchMatched: nothing,
    eventMatched: nothing,
    filterFailed: nothing,
    stepLogged: nothing,
    backlogged: nothing,
    setAside: nothing,
    leaseLost: nothing,
    refused: nothing,
    failed: nothing,
    consumerRelieved: nothing,
    configurationRefused: nothing,
    trouble: nothing,
  };
  await using _matching = new Matching({
    source,
    events,
    configuration: { barrier: async () => 1, appliedRevision: 1, isComplete: true },
    directory: new SubscriptionDirectory(),
    ingest: { epochMs: 1 },
    filters: new EventFilters(),
    leases: { hold: () => true, release: nothing },
    load: new PartitionLoad(),
    lanes: { choose: () => [] },
    publisher: { publish: async () => true },
    tracing: { enabled: false, startSpan: () => ({ traceparent: "", setAttributes() {}, fail() {}, end() {} }) },
    bounds: {
      entriesMax: 10,
      logBytesMax: 10_000,
      itemBytesMax: 10_000,
      evaluationsMax: 10,
      itemsMax: 10,
      payloadBytesMax: 10_000,
    },
    inlineBytesMax: 1_000,
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    newMessageId: () => "id",
  });
  // As many microtasks as they like, but no turn of the event loop.
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  const takenAtOnce = takenAtMs.length;
  await done.promise;
  return { takenAtMs, takenAtOnce };
}

describe("batches", () => {
  it("begin at once after a pause, and no sooner after each other than the interval", async () => {
    const { takenAtMs, takenAtOnce } = await takings();
    expect(takenAtOnce).toBe(1);
    for (const [index, atMs] of takenAtMs.entries()) {
      // A timer of Node may fire a fraction of a millisecond early.
      if (index > 0) expect(atMs - (takenAtMs[index - 1] ?? Number.NaN)).toBeGreaterThan(BATCH_INTERVAL_MS - 1);
    }
  });
});
