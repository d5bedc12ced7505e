import type { LogFact } from "@posthorn/domain";
import { describe, expect, test } from "vitest";
import type { Checkpoint } from "./checkpoint.ts";
import { type CurrentRows, foldBatch, keysAffectedBy } from "./fold-batch.ts";
import { deliveryEvents, EPOCH_MS, logOf, REPLAY } from "./log.fixture.ts";
import { WrittenRows } from "./written-rows.ts";

const NOTHING: CurrentRows = { deliveries: new Map(), health: new Map(), replays: new Map() };
const TABLES = 17;
const ROWS_MAX = 3;

function checkpointAt(sequence: number): Checkpoint {
  return { streamEpochMs: EPOCH_MS, epochMs: EPOCH_MS, sequence, fingerprint: undefined };
}

/** Commits the events as one batch over rows that were read; returns the checkpoint behind them. */
function commit(written: WrittenRows, events: readonly LogFact[], current = NOTHING, tablesId = TABLES): Checkpoint {
  const log = logOf(events);
  const checkpoint = checkpointAt(1);
  written.committed({ keys: keysAffectedBy(log), current, changes: foldBatch(log, current), checkpoint, tablesId });
  return checkpoint;
}

const delivery = deliveryEvents(1);
const other = deliveryEvents(2);
const outcomeKeys = keysAffectedBy(logOf([delivery.succeeded(1)]));

describe("what was written", () => {
  test("need not be read by whoever goes on from there", () => {
    const written = new WrittenRows(ROWS_MAX);
    const behind = commit(written, [delivery.created(), other.failed(1, undefined)]);
    expect(written.unknownOf(outcomeKeys, behind)).toMatchObject({ deliveries: [], webhooks: [] });
    expect(written.isOf(TABLES)).toBe(true);
    const { deliveries, health } = written.complete(outcomeKeys, NOTHING);
    expect(deliveries.get(delivery.deliveryId)?.state.kind).toBe("pending");
    expect(health.get(delivery.webhookId)?.consecutiveFailures).toBe(1);
  });

  test("is forgotten by whoever goes on from anywhere else, were it the same place found anew", () => {
    const written = new WrittenRows(ROWS_MAX);
    const behind = commit(written, [delivery.created()]);
    expect(written.unknownOf(outcomeKeys, { ...behind })).toEqual(outcomeKeys);
    expect(written.isOf(TABLES)).toBe(false);
    expect(written.size).toBe(0);
  });

  test("says nothing of other tables", () => {
    const written = new WrittenRows(ROWS_MAX);
    commit(written, [delivery.created()]);
    expect(written.isOf(TABLES + 1)).toBe(false);
  });

  test("is forgotten for the newest beyond the limit", () => {
    const written = new WrittenRows(ROWS_MAX);
    const all = [1, 2, 3, 4, 5].map((number) => deliveryEvents(number));
    const behind = commit(
      written,
      all.map((each) => each.created()),
    );
    expect(written.size).toBe(ROWS_MAX);
    const keys = keysAffectedBy(logOf(all.map((each) => each.succeeded(1))));
    expect(written.unknownOf(keys, behind).deliveries).toHaveLength(all.length - ROWS_MAX);
  });

  test.each([
    ["has ended", [delivery.created(), delivery.succeeded(1)]],
    ["was never seen to be created", [delivery.failed(1, undefined)]],
  ])("does not hold a delivery that %s: retention may delete it", (_, events) => {
    const written = new WrittenRows(ROWS_MAX);
    commit(written, events);
    expect(written.size).toBe(0);
  });
});

describe("a delivery that is created now", () => {
  const keys = keysAffectedBy(logOf([delivery.created()]));

  test("is read at first, since the log may be read again", () => {
    expect(new WrittenRows(ROWS_MAX).unknownOf(keys, checkpointAt(0))).toEqual(keys);
  });

  test("is taken for new once a batch has met no repeats", () => {
    const written = new WrittenRows(ROWS_MAX);
    expect(written.unknownOf(keys, commit(written, [other.created()])).deliveries).toEqual([]);
  });

  test("is read again after one that was there already", () => {
    const written = new WrittenRows(ROWS_MAX);
    const there = foldBatch(logOf([other.created()]), NOTHING).deliveries;
    const current = { ...NOTHING, deliveries: new Map(there.map((record) => [record.deliveryId, record])) };
    expect(written.unknownOf(keys, commit(written, [other.created()], current)).deliveries).toEqual(keys.deliveries);
  });
});

describe("rows that nobody need look for", () => {
  const unmatched = (number: number) => foldBatch(logOf([deliveryEvents(number).unmatched()]), NOTHING).events;
  const areNew = (written: WrittenRows, number: number) => unmatched(number).map((row) => written.isNewEvent(row));

  test("are none at first, since the log may be read again", () => {
    const written = new WrittenRows(ROWS_MAX);
    expect(areNew(written, 1)).toEqual([false]);
  });

  test("are those of events that the last batch did not tell of", () => {
    const written = new WrittenRows(ROWS_MAX);
    commit(written, [delivery.created()]);
    expect([areNew(written, 1), areNew(written, 2)]).toEqual([[false], [true]]);
    const origin = { kind: "replay", replayId: REPLAY, replayOf: other.deliveryId } as const;
    const replayed = foldBatch(logOf([{ ...other.created(), origin } as LogFact]), NOTHING).events;
    expect(replayed.map((row) => written.isNewEvent(row))).toEqual([false]);
  });
});
