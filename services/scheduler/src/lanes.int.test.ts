import { randomUUID } from "node:crypto";
import { limits, type OrgId, type WebhookId } from "@posthorn/domain";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HANDOVER_MS } from "./core/slots.ts";
import { releaseDue } from "./handlers/release-due.ts";
import { releaseLanes } from "./handlers/release-lanes.ts";
import { releaseIntoSlots } from "./handlers/release-slots.ts";
import type { Tenure } from "./handlers/tenure.ts";
import { CLAIM_DUE } from "./io/due-deliveries.ts";
import { CLAIM_PARKED, FIND_LANES } from "./io/lane-rows.ts";
import {
  known,
  lookAtLanes,
  NOW_MS,
  openSchedulerTest,
  orgOfPartition,
  type SchedulerTest,
  tenureOf,
} from "./scheduler.fixture.ts";

const PARTITION = 3;
const EXPIRED_MS = NOW_MS - limits.DELIVERY_HORIZON_MS - 61_000;

describe("the lanes of the webhooks", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;
  let orgId: OrgId;
  let webhookId: WebhookId;
  let tenure: Tenure;
  let nowMs = NOW_MS;
  /** Released, and not taken by any dispatcher. */
  let untaken = 0;

  beforeAll(async () => {
    test = await openSchedulerTest(stack);
  });
  afterAll(() => stack.disposeAsync());

  beforeEach(async () => {
    await test.reset();
    orgId = orgOfPartition(PARTITION);
    webhookId = randomUUID() as WebhookId;
    tenure = tenureOf(PARTITION);
    nowMs = NOW_MS;
    untaken = 0;
  });

  const park = (reason: string, sequence: number, changes = {}) =>
    test.rows.due({ kind: "parked", reason, orgId, webhookId, sequence, dueAtMs: NOW_MS + 1e9, ...changes });

  async function release(): Promise<number> {
    const board = await lookAtLanes(test, [tenure]);
    const ports = { ...test.ports, nowMs: () => nowMs, untakenRetries: async () => untaken };
    return (await releaseLanes(ports, board.lanes)) + (await releaseIntoSlots(ports, board.ofKind("slots", [tenure])));
  }
  const releasedIds = async () => (await test.itemsIn("RETRY")).map(({ deliveryId }) => deliveryId);

  describe("of a webhook that takes deliveries again", () => {
    it("is drained oldest first, before its time, at a pace that doubles", async () => {
      const ids: string[] = [];
      for (let sequence = 40; sequence > 0; sequence -= 1) ids.unshift(await park("circuit_open", sequence));
      const sizes: number[] = [];
      for (; nowMs < NOW_MS + 2_000; nowMs += 500) sizes.push(await release());
      expect(sizes).toEqual([10, 5, 5, 10]);
      expect(await releasedIds()).toEqual(ids.slice(0, 30));
      expect(await test.rows.count()).toBe(10);
    });

    it("waits until the dispatchers have taken what was released, but ends what is over", async () => {
      for (let sequence = 1; sequence <= 30; sequence += 1) await park("receiver_slow", sequence);
      untaken = 65;
      expect(await release()).toBe(0);
      await park("receiver_slow", 0, { acceptedAtMs: EXPIRED_MS });
      expect(await release()).toBe(1);
      untaken = 64;
      expect(await release()).toBe(10);
    });

    it("slows down when what was released comes back", async () => {
      for (let sequence = 1; sequence <= 30; sequence += 1) await park("receiver_slow", sequence);
      await release();
      const [first] = await test.itemsIn("RETRY");
      await park("receiver_slow", 1, { deliveryId: first?.deliveryId });
      nowMs += 1_000;
      expect(await release()).toBe(10);
      expect(tenure.drains.get(webhookId)?.pace.perSecond).toBeLessThan(20);
    });

    it("is stopped by a circuit that opens again", async () => {
      for (let sequence = 1; sequence <= 30; sequence += 1) await park("circuit_open", sequence);
      expect(await release()).toBe(10);
      await test.rows.circuit(webhookId, orgId, "open", 2, nowMs);
      nowMs += 4_000;
      expect(await release()).toBe(0);
    });

    it("leaves what cannot be signed to its time", async () => {
      const due = await park("unsignable", 1, { dueAtMs: NOW_MS });
      await park("unsignable", 2, { dueAtMs: NOW_MS + 1 });
      await release();
      expect(await releasedIds()).toEqual([due]);
    });
  });

  describe("of a webhook with an open circuit", () => {
    beforeEach(async () => {
      await test.rows.circuit(webhookId, orgId, "open", 4, NOW_MS);
    });

    it("is probed with its oldest delivery, one at a time, at growing waits", async () => {
      const ids = [await park("circuit_open", 1), await park("circuit_open", 2), await park("circuit_open", 3)];
      const sentAtS: number[] = [];
      for (; nowMs <= NOW_MS + 60_000; nowMs += 1_000) {
        if ((await release()) > 0) sentAtS.push((nowMs - NOW_MS) / 1_000);
        await test.rows.settled(ids, orgId, webhookId);
      }
      expect(sentAtS).toEqual([5, 10, 20]);
      expect(await test.itemsIn("RETRY")).toMatchObject(
        ids.map((deliveryId) => ({ deliveryId, terms: { isProbe: true, circuitsClosed: 3 } })),
      );
    });

    it("is probed again when a probe is lost, but not before", async () => {
      await park("circuit_open", 1);
      await park("circuit_open", 2);
      expect(await release()).toBe(0);
      nowMs += 5_000;
      expect(await release()).toBe(1);
      nowMs += 119_000;
      expect(await release()).toBe(0);
      nowMs += 1_000;
      expect(await release()).toBe(1);
    });

    it("gives up what has expired meanwhile", async () => {
      const expired = await park("circuit_open", 1, { acceptedAtMs: EXPIRED_MS });
      await park("circuit_open", 2);
      await release();
      expect(await test.itemsIn("RETRY")).toMatchObject([{ deliveryId: expired, terms: { isProbe: false } }]);
    });

    it("is probed with what is still alive, however much expires meanwhile", async () => {
      const alive = await park("circuit_open", 100);
      for (let sequence = 1; nowMs <= NOW_MS + 6_000; nowMs += 1_000) {
        // One more has expired at every look.
        await park("circuit_open", sequence++, { acceptedAtMs: EXPIRED_MS });
        await release();
      }
      const probes = (await test.itemsIn("RETRY")).filter(({ terms }) => terms?.isProbe);
      expect(probes).toMatchObject([{ deliveryId: alive }]);
    });
  });

  it("holds what is parked for a paused webhook, but for what has expired", async () => {
    test.webhooks.set(webhookId, known({ isActive: false }));
    await park("webhook_inactive", 2);
    expect(await release()).toBe(0);
    const expired = await park("webhook_inactive", 1, { acceptedAtMs: EXPIRED_MS });
    expect(await release()).toBe(1);
    expect(await releasedIds()).toEqual([expired]);
  });

  it.each([
    ["deleted", { kind: "deleted" }],
    ["disabled", known({ isActive: false, disabledByEngine: true })],
  ] as const)("lets go at once of what is parked for a %s webhook", async (_title, state) => {
    test.webhooks.set(webhookId, state);
    for (let sequence = 1; sequence <= 30; sequence += 1) await park("circuit_open", sequence);
    expect(await release()).toBe(30);
  });

  describe("of a rate-limited webhook", () => {
    beforeEach(() => test.webhooks.set(webhookId, known({ rateLimit: 20 })));

    it("gives every delivery a slot of its own, oldest first", async () => {
      const ids: string[] = [];
      for (let sequence = 1; sequence <= 30; sequence += 1) ids.push(await park("rate_limited", sequence));
      for (; nowMs < NOW_MS + 1_000; nowMs += 100) await release();
      const items = await test.itemsIn("RETRY");
      expect(items.map(({ deliveryId }) => deliveryId)).toEqual(ids.slice(0, items.length));
      const slots = items.map(({ terms }) => terms?.slot ?? { fromMs: 0, untilMs: 0 });
      expect(slots.map(({ fromMs }) => fromMs - NOW_MS)).toEqual(slots.map((_, index) => 300 + index * 50));
      expect(slots.every(({ fromMs, untilMs }) => untilMs === fromMs + 80)).toBe(true);
      expect(items.length).toBeGreaterThanOrEqual(21);
    });

    it("gives no slot to what has expired", async () => {
      const expired: string[] = [];
      for (let sequence = 1; sequence <= 10; sequence += 1) {
        expired.push(await park("rate_limited", sequence, { acceptedAtMs: EXPIRED_MS }));
      }
      // By the clock of a dispatcher that is behind, this one may still be alive.
      await park("rate_limited", 11, { acceptedAtMs: NOW_MS - limits.DELIVERY_HORIZON_MS - 1 });
      const alive = await park("rate_limited", 12);
      await release();
      const items = await test.itemsIn("RETRY");
      const inSlots = items.filter(({ terms }) => terms?.slot !== undefined);
      expect(inSlots.map(({ deliveryId }) => deliveryId)).toEqual([alive]);
      expect(items.map(({ deliveryId }) => deliveryId).toSorted()).toEqual([...expired, alive].toSorted());
    });

    it("does not give away slots while a former owner's may still be used", async () => {
      for (let sequence = 1; sequence <= 30; sequence += 1) await park("rate_limited", sequence);
      await release();
      const before = (await test.itemsIn("RETRY")).map(({ terms }) => terms?.slot?.fromMs ?? 0);
      const ports = { ...test.ports, nowMs: () => nowMs };
      const next = Object.assign(tenureOf(PARTITION), { gainedAtMs: 0 });
      expect(await releaseIntoSlots(ports, (await lookAtLanes(test, [next])).ofKind("slots", [next]))).toBe(0);
      nowMs += HANDOVER_MS - 400;
      const later = { ...ports, monotonicMs: () => HANDOVER_MS - 400 };
      expect(await releaseIntoSlots(later, (await lookAtLanes(test, [next])).ofKind("slots", [next]))).toBeGreaterThan(
        0,
      );
      const after = (await test.itemsIn("RETRY")).map(({ terms }) => terms?.slot?.fromMs ?? 0).slice(before.length);
      expect(Math.min(...after) - Math.max(...before)).toBeGreaterThan(1_000);
    });
  });

  it("does not release for a partition that is no longer owned", async () => {
    test.webhooks.set(webhookId, known({ rateLimit: 20 }));
    await park("rate_limited", 1);
    const board = await lookAtLanes(test, [tenure]);
    expect(board.ofKind("slots", [])).toEqual([]);
    expect((await lookAtLanes(test, [])).lanes).toEqual([]);
  });

  describe("with 200,000 rows that wait", () => {
    /** Pages of 8 KiB that a statement touches: those of the rows that it claims, and a path through each index. */
    const PAGES_MAX = 300;

    async function fill(parkedOfOne: number, retries: number, webhooks: number) {
      const parked = `'parked', 'circuit_open', $1, timestamptz '2025-06-10'`;
      const retry = `'retry', null, gen_random_uuid(), timestamptz '2025-06-20'`;
      const few = `'parked', 'circuit_open', gen_random_uuid(), timestamptz '2025-06-10'`;
      const insert = (what: string) => `
        insert into retry_due (delivery_id, partition, attempt, release, org_id, event_id, event_type, accepted_at,
          profile, place_epoch_ms, place_sequence, place_index, traceparent, message_id,
          kind, reason, webhook_id, due_at)
        select gen_random_uuid(), ${PARTITION}, 1, 0, $2, gen_random_uuid(), 'a.b', timestamptz '2025-06-14',
          'standard', 1, n, 0, 't', gen_random_uuid(),
          ${what} from generate_series(1, $3::int) n`;
      await test.pool.query(insert(parked), [webhookId, orgId, parkedOfOne]);
      await test.pool.query(insert(retry).replaceAll("$2", "$1").replaceAll("$3", "$2"), [orgId, retries]);
      await test.pool.query(insert(few).replaceAll("$2", "$1").replaceAll("$3", "$2"), [orgId, webhooks]);
      await test.pool.query("analyze retry_due");
    }

    async function pagesTouchedBy(sql: string, values: readonly unknown[]): Promise<number> {
      const { rows } = await test.pool.query(`explain (analyze, buffers, format json) ${sql}`, [...values]);
      const plan = rows[0]["QUERY PLAN"][0].Plan;
      return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
    }

    it("finds and claims what is due or next without reading the others", async () => {
      await test.rows.circuit(webhookId, orgId, "open", 1, NOW_MS);
      await fill(100_000, 99_000, 1_000);
      const due = await test.rows.due({ orgId });
      expect(await releaseDue(test.ports, [PARTITION])).toBe(1);
      expect(await releasedIds()).toEqual([due]);
      const [now, until] = [new Date(NOW_MS), new Date(NOW_MS + 1)];
      expect(await pagesTouchedBy(CLAIM_DUE, [now, until, PARTITION, []])).toBeLessThan(PAGES_MAX);
      const wanted = [[PARTITION], [webhookId], [10], [null], [null]];
      expect(await pagesTouchedBy(CLAIM_PARKED, [now, until, ...wanted])).toBeLessThan(PAGES_MAX);
      const board = await lookAtLanes(test, [tenure]);
      expect(board.lanes.length).toBe(1_001);
      expect(await pagesTouchedBy(FIND_LANES, [[PARTITION]])).toBeLessThan(10 * board.lanes.length);
    });
  });
});
