import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { OrgId, WebhookId } from "@posthorn/domain";
import { streamPosition, WorkSource } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { releaseRuns } from "./handlers/release-runs.ts";
import { runRounds } from "./handlers/run-rounds.ts";
import type { Tenure } from "./handlers/tenure.ts";
import { openRunRows } from "./io/run-rows.ts";
import {
  known,
  lookAtLanes,
  openSchedulerTest,
  orgOfPartition,
  type SchedulerTest,
  tenureOf,
} from "./scheduler.fixture.ts";

const PARTITION = 5;
/** From the outcome of a run to its rows: the log, and the projector's pace. */
const PROJECTION_LAG_MS = 150;

describe("the runs of an ordered webhook", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;
  let ingestEpochMs: number;
  let orgId: OrgId;
  let webhookId: WebhookId;
  let tenure: Tenure;
  let aheadMs = 0;
  const nowMs = () => Date.now() + aheadMs;

  beforeAll(async () => {
    test = await openSchedulerTest(stack);
    ({ epochMs: ingestEpochMs } = await streamPosition(test.connection, "INGEST"));
  });
  afterAll(() => stack.disposeAsync());

  beforeEach(async () => {
    await test.reset();
    aheadMs = 0;
    orgId = orgOfPartition(PARTITION);
    webhookId = randomUUID() as WebhookId;
    tenure = tenureOf(PARTITION, nowMs());
    test.webhooks.set(webhookId, known({ ordered: true }));
  });

  /** Accepted long ago, in another epoch of INGEST: everything about it is known. */
  const park = (sequence: number, changes = {}) =>
    test.rows.due({ kind: "parked", reason: "ordered", orgId, webhookId, sequence, dueAtMs: nowMs(), ...changes });

  async function release(
    owner = tenure,
    publisher = test.ports.publisher,
    runs = openRunRows(test.ownPool),
  ): Promise<number> {
    const { ownPool: pool, connection, ports } = test;
    const board = await lookAtLanes(test, [owner]);
    return releaseRuns({ ...ports, publisher, pool, connection, runs, nowMs }, board.ofKind("run", [owner]), [owner]);
  }

  async function releasedRuns(): Promise<string[][]> {
    const items = await test.itemsIn("RETRY");
    return items.map((item) => [item, ...item.followers].map(({ deliveryId }) => deliveryId));
  }

  /** As the projector does when these have been delivered. */
  const delivered = (ids: readonly string[]) =>
    test.pool.query("delete from retry_due where delivery_id = any($1::uuid[])", [ids]);

  it("are consecutive, oldest first, in one message, and one at a time", async () => {
    const ids = [await park(1), await park(2), await park(3)];
    expect(await release()).toBe(3);
    await park(4);
    expect(await release()).toBe(0);
    await delivered(ids.slice(0, 2));
    expect(await release()).toBe(0);
    await delivered(ids);
    expect(await release()).toBe(1);
    expect((await releasedRuns())[0]).toEqual(ids);
  });

  it("are of a hundred at most", async () => {
    for (let sequence = 1; sequence <= 130; sequence += 1) await park(sequence);
    expect(await release()).toBe(100);
  });

  it("wait for the retry of an earlier delivery, and go on with it", async () => {
    const retry = await test.rows.due({ orgId, webhookId, sequence: 1, dueAtMs: nowMs() + 10_000 });
    const later = await park(2);
    expect(await release()).toBe(0);
    aheadMs = 10_000;
    expect(await release()).toBe(2);
    expect(await releasedRuns()).toEqual([[retry, later]]);
  });

  it("go on when the clock was set back", async () => {
    await test.rows.due({ orgId, webhookId, sequence: 1, dueAtMs: nowMs() + 10_000 });
    await park(2);
    expect(await release()).toBe(0);
    await test.pool.query("delete from retry_due where kind = 'retry'");
    aheadMs = -3_600_000;
    expect(await release()).toBe(1);
  });

  it("become shorter when one was cut by a failure", async () => {
    const ids = [];
    for (let sequence = 1; sequence <= 100; sequence += 1) ids.push(await park(sequence));
    await release();
    await test.pool.query("update retry_due set release = release + 1, claimed_until = null where place_sequence > 10");
    await delivered(ids.slice(0, 10));
    expect(await release()).toBe(50);
    expect((await releasedRuns())[1]).toEqual(ids.slice(10, 60));
  });

  it("reach no further than the matcher and the projection have come", async () => {
    const first = await publishEvent();
    const source = stack.use(
      await WorkSource.open(test.connection, {
        stream: "INGEST",
        worker: "matcher",
        prefetchMax: 10,
        leaseMs: 30_000,
        onTrouble: () => {},
      }),
    );
    await source.available();
    const [message] = source.take(1);
    const known = await park(first, { epochMs: ingestEpochMs });
    await park(first + 1, { epochMs: ingestEpochMs });
    expect(await release()).toBe(0);
    message?.ack();
    expect(await waitUntil(() => release())).toBe(1);
    expect(await releasedRuns()).toEqual([[known]]);
  });

  it("wait for the projection of what the matcher had logged", async () => {
    await test.publisher.publish({ subject: `log.${PARTITION}`, payload: new Uint8Array(), id: undefined });
    const sequence = await publishEvent();
    await park(1, { epochMs: ingestEpochMs });
    expect(await release()).toBe(0);
    const { epochMs, lastSequence } = await streamPosition(test.connection, "LOG");
    await test.pool.query("insert into projector_checkpoint values ($1, $2, $2, $3, null)", [
      PARTITION,
      epochMs,
      lastSequence,
    ]);
    expect(sequence).toBeGreaterThan(0);
    expect(await waitUntil(() => release())).toBe(1);
  });

  it("are released again, marked, when their message is lost", async () => {
    const id = await park(1);
    await release();
    await test.connection.manager.streams.purge("RETRY");
    expect(await release()).toBe(0);
    aheadMs = 5_000;
    expect(await waitUntil(() => release(tenure, { publish: publishUnderAnotherId }))).toBe(1);
    expect(await test.itemsIn("RETRY")).toMatchObject([{ deliveryId: id, possibleRepeat: true }]);
  });

  it("are not released a second time while their message waits, however long that takes", async () => {
    await park(1);
    await release();
    for (aheadMs = 10_000; aheadMs < 200_000; aheadMs += 10_000) expect(await release()).toBe(0);
    expect((await releasedRuns()).length).toBe(1);
  });

  it("of a former owner are waited for while they may be queued, and then do not hold up the next", async () => {
    const [first, second] = [await park(1), await park(2)];
    expect(await release()).toBe(2);
    const next = tenureOf(PARTITION, nowMs() + 1);
    expect(await release(next)).toBe(0);
    await test.connection.manager.streams.purge("RETRY");
    await delivered([first ?? ""]);
    aheadMs = 1_000;
    expect(await waitUntil(() => release(next))).toBe(1);
    expect(await test.itemsIn("RETRY")).toMatchObject([{ deliveryId: second, possibleRepeat: true }]);
  });

  it("of a former owner are waited for, also when the broker's clock is ahead of the next one's", async () => {
    const first = await park(1);
    await park(2);
    expect(await release()).toBe(2);
    await delivered([first]);
    const behind = tenureOf(PARTITION, nowMs() - 2_000);
    for (let round = 0; round < 3; round += 1) expect(await release(behind)).toBe(0);
  });

  it("take more than 100 deliveries per second to a receiver that answers within 2 ms", async () => {
    for (let sequence = 1; sequence <= 600; sequence += 1) await park(sequence);
    const startedAtMs = performance.now();
    await using _rounds = runRounds(
      [{ part: "runs", everyMs: 100, act: async () => (await release()) < 0 }],
      (_part, error) => {
        throw error;
      },
    );
    for (let worked = 0, ids: string[] = []; worked < 600; worked += ids.length) {
      ids = (await waitUntil(async () => (await releasedRuns())[0])) ?? [];
      await sleep(ids.length * 2 + PROJECTION_LAG_MS);
      await test.connection.manager.streams.purge("RETRY");
      await delivered(ids);
    }
    expect(600 / ((performance.now() - startedAtMs) / 1_000)).toBeGreaterThan(100);
  });

  it("leave a retry to whoever has claimed it to park it", async () => {
    const [retry, later] = [await test.rows.due({ orgId, webhookId, sequence: 1, dueAtMs: nowMs() }), await park(2)];
    const parkingUntil = new Date(nowMs() + 30_000);
    const runs = openRunRows(test.ownPool);
    const claimsOfOthers: typeof runs = {
      ...runs,
      claim: async (...wanted) => {
        await test.pool.query("update retry_due set claimed_until = $2 where delivery_id = $1", [retry, parkingUntil]);
        return runs.claim(...wanted);
      },
    };
    expect(await release(tenure, test.ports.publisher, claimsOfOthers)).toBe(0);
    const { rows } = await test.pool.query("select delivery_id, claimed_until from retry_due");
    expect(new Map(rows.map((row) => [row.delivery_id, row.claimed_until]))).toEqual(
      new Map([
        [retry, parkingUntil],
        [later, null],
      ]),
    );
    expect(await releasedRuns()).toEqual([]);
  });

  it("are probes of one delivery while the circuit is open", async () => {
    await test.rows.circuit(webhookId, orgId, "open", 2, nowMs() - 60_000);
    const first = await park(1);
    await park(2);
    expect(await release()).toBe(0);
    aheadMs = 5_000;
    expect(await release()).toBe(1);
    expect(await test.itemsIn("RETRY")).toMatchObject([
      { deliveryId: first, terms: { isProbe: true, circuitsClosed: 1 }, followers: [] },
    ]);
  });

  it("keep to a rate limit: each delivery has its slot", async () => {
    test.webhooks.set(webhookId, known({ ordered: true, rateLimit: 10 }));
    for (let sequence = 1; sequence <= 30; sequence += 1) await park(sequence);
    const released = await release();
    expect(released).toBeGreaterThan(5);
    expect(released).toBeLessThan(15);
    const [head] = await test.itemsIn("RETRY");
    const slots = [head, ...(head?.followers ?? [])].map((item) => item?.terms?.slot?.fromMs ?? 0);
    expect(slots.slice(1).map((fromMs, index) => fromMs - (slots[index] ?? 0))).toEqual(slots.slice(1).map(() => 100));
  });

  async function publishEvent(): Promise<number> {
    const request = { subject: `ingest.${PARTITION}`, payload: new Uint8Array(), id: undefined };
    const published = await test.publisher.publish(request);
    return published.kind === "stored" ? published.sequence : 0;
  }

  /** The stream remembers work ids for two minutes, longer than a test waits. */
  const publishUnderAnotherId: SchedulerTest["ports"]["publisher"]["publish"] = (request, deadlineMs) =>
    test.publisher.publish({ ...request, id: undefined }, deadlineMs);
});
