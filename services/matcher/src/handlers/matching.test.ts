import { EventFilters } from "@posthorn/content-filter";
import { encodeEventGroup } from "@posthorn/contracts";
import { partitionOf } from "@posthorn/domain";
import type { TakenMessage } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import { CROWD, INTERVAL_MS_MAX, INTERVAL_MS_MIN } from "../core/batch-interval.ts";
import { event, orgId } from "../core/matcher.fixture.ts";
import { PartitionLoad } from "../core/partition-load.ts";
import { SubscriptionDirectory } from "../core/subscription-directory.ts";
import { Matching } from "./matching.ts";

const PARTITION = partitionOf(orgId(1));
const BATCHES = 6;

/** The next one is there when it has been acknowledged. */
const message = (events: number, ack: () => void): TakenMessage => ({
  subject: `ingest.${PARTITION}`,
  data: encodeEventGroup(Array.from({ length: events }, () => event())),
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

/**
 * @param events of each batch.
 * @returns when each batch was taken, and how many were before any timer could run.
 */
async function takings(
  events: number,
): Promise<{ readonly takenAtMs: readonly number[]; readonly takenAtOnce: number }> {
  const takenAtMs: number[] = [];
  const done = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let isThere = true;
  /** The clock's last answer: the batch began with it, and is taken right behind. */
  let lookedAtMs = Number.NaN;
  const source = {
    take: () => {
      if (!isThere || takenAtMs.length === BATCHES) return [];
      isThere = false;
      takenAtMs.push(lookedAtMs);
      return [
        message(events, () => {
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
  const silent = {
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
    events: silent,
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
    monotonicMs: () => {
      lookedAtMs = performance.now();
      return lookedAtMs;
    },
    newMessageId: () => "id",
  });
  // As many microtasks as they like, but no turn of the event loop.
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  const takenAtOnce = takenAtMs.length;
  await done.promise;
  return { takenAtMs, takenAtOnce };
}

describe("batches", () => {
  it.each([
    [1, INTERVAL_MS_MIN],
    [CROWD, INTERVAL_MS_MAX],
  ])(
    "of %i begin at once after a pause, and then no sooner after each other than %i ms",
    async (events, intervalMs) => {
      const { takenAtMs, takenAtOnce } = await takings(events);
      expect(takenAtOnce).toBe(1);
      for (const [index, atMs] of takenAtMs.entries()) {
        // A timer of Node may fire a fraction of a millisecond early.
        if (index > 0) expect(atMs - (takenAtMs[index - 1] ?? Number.NaN)).toBeGreaterThan(intervalMs - 1);
      }
    },
  );
});
