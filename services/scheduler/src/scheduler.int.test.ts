import { randomUUID } from "node:crypto";
import { decodeWorkItem } from "@posthorn/contracts";
import { ALL_PARTITIONS, type OrgId, partitionOf, type WebhookId, type WorkItem } from "@posthorn/domain";
import { streamPosition } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createReconcile, type Reconcile } from "./handlers/reconcile.ts";
import { releaseDue } from "./handlers/release-due.ts";
import {
  type DeliveryChanges,
  known,
  NOW_MS,
  openSchedulerTest,
  orgOfPartition,
  type SchedulerTest,
  type TestPorts,
} from "./scheduler.fixture.ts";

describe("the scheduler", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;
  let ports: TestPorts;

  beforeAll(async () => {
    test = await openSchedulerTest(stack);
    ({ ports } = test);
  });
  afterAll(() => stack.disposeAsync());
  beforeEach(() => test.reset());

  const insertOpenDelivery = (changes: DeliveryChanges = {}) => test.rows.delivery(changes);

  function startReconcile(nowMs: () => number = Date.now): Reconcile {
    const { ownPool: pool, connection, publisher } = test;
    return createReconcile({ ...ports, pool, connection, publisher, quietForMs: () => 300_000, nowMs });
  }

  const releasedItems = () => test.itemsIn("RETRY");
  const insertDue = (changes: Parameters<SchedulerTest["rows"]["due"]>[0]) => test.rows.due(changes);
  const rowCount = () => test.rows.count();

  it("releases what is due and forgets it, and leaves what is not", async () => {
    const due = await insertDue({ dueAtMs: NOW_MS - 10 });
    await insertDue({ dueAtMs: NOW_MS + 10 });
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(1);
    expect(await releasedItems()).toMatchObject([
      { deliveryId: due, attempt: 2, release: 1, configRevision: 7, possibleRepeat: false, event: undefined },
    ]);
    expect(await rowCount()).toBe(1);
  });

  it("holds back the partitions whose projection has not caught up", async () => {
    const orgId = randomUUID() as OrgId;
    await insertDue({ dueAtMs: NOW_MS - 10, orgId });
    const others = ALL_PARTITIONS.filter((partition) => partition !== partitionOf(orgId));
    expect(await releaseDue(ports, others)).toBe(0);
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(1);
  });

  it("passes over what another scheduler holds, and marks it when that one never came back", async () => {
    const deliveryId = await insertDue({ dueAtMs: NOW_MS - 10 });
    await test.pool.query("update retry_due set claimed_until = $1", [new Date(NOW_MS + 1)]);
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(0);
    const later = { ...ports, nowMs: () => NOW_MS + 2 };
    expect(await releaseDue(later, ALL_PARTITIONS)).toBe(1);
    expect(await releasedItems()).toMatchObject([{ deliveryId, possibleRepeat: true }]);
  });

  it("keeps a row whose work id the stream knows already: that says nothing about its fate", async () => {
    const deliveryId = await insertDue({ dueAtMs: NOW_MS - 10 });
    await test.publisher.publish({ subject: "retry.0", payload: new Uint8Array(), id: `${deliveryId}:2:1` });
    await releaseDue(ports, ALL_PARTITIONS);
    expect(await rowCount()).toBe(1);
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(0);
  });

  it("does not forget a row that the projection has replaced meanwhile", async () => {
    const deliveryId = await insertDue({ dueAtMs: NOW_MS - 10 });
    const [claimed] = await ports.rows.claimDue(partitionOf(await orgOf(deliveryId)), NOW_MS, NOW_MS + 1, []);
    await test.pool.query("update retry_due set attempt = 3");
    await ports.rows.forget(claimed === undefined ? [] : [claimed]);
    expect(claimed).toBeDefined();
    expect(await rowCount()).toBe(1);
  });

  it.each([
    ["rate_limited", { rateLimit: 5 }],
    ["ordered", { ordered: true }],
  ] as const)("parks a due retry that its webhook's lane has to release: %s", async (reason, changes) => {
    const webhookId = randomUUID() as WebhookId;
    test.webhooks.set(webhookId, known(changes));
    const deliveryId = await insertDue({ webhookId });
    const other = await insertDue({});
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(2);
    expect(await releasedItems()).toMatchObject([{ deliveryId: other }]);
    expect(await test.loggedEvents()).toMatchObject([
      { kind: "delivery.deferred", deliveryId, webhookId, reason, attempt: 2, release: 2 },
    ]);
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(0);
  });

  it("leaves retries alone that a run takes up by itself", async () => {
    const webhookId = randomUUID() as WebhookId;
    await insertDue({ webhookId });
    const other = await insertDue({});
    await releaseDue({ ...ports, inRuns: () => [webhookId] }, ALL_PARTITIONS);
    expect(await releasedItems()).toMatchObject([{ deliveryId: other }]);
    expect(await rowCount()).toBe(1);
  });

  it("parks due retries while the circuit is open, and says which circuits are closed when it is not", async () => {
    const orgId = orgOfPartition(2);
    const [broken, mended] = [randomUUID() as WebhookId, randomUUID() as WebhookId];
    await test.rows.circuit(broken, orgId, "open", 3, NOW_MS - 1_000);
    await test.rows.circuit(mended, orgId, "closed", 3, NOW_MS - 1_000);
    const parked = await insertDue({ orgId, webhookId: broken });
    const released = await insertDue({ orgId, webhookId: mended });
    await releaseDue(ports, ALL_PARTITIONS);
    expect(await releasedItems()).toMatchObject([
      { deliveryId: released, terms: { isProbe: false, circuitsClosed: 3, slot: undefined } },
    ]);
    expect(await test.loggedEvents()).toMatchObject([{ deliveryId: parked, reason: "circuit_open" }]);
  });

  it("says of a repeated publish that it may be a repeat: the first may have been worked off meanwhile", async () => {
    await insertDue({ dueAtMs: NOW_MS - 10 });
    const repeats: WorkItem[] = [];
    const once: TestPorts["publisher"] = {
      publish: async ({ payloadOfRepeat }) => {
        const decoded = decodeWorkItem(payloadOfRepeat?.() ?? new Uint8Array());
        if (decoded.kind === "decoded") repeats.push(decoded.value);
        return { kind: "unknown" };
      },
    };
    await releaseDue({ ...ports, publisher: once }, ALL_PARTITIONS);
    expect(repeats).toMatchObject([{ possibleRepeat: true }]);
    expect(await rowCount()).toBe(1);
  });

  it("publishes nothing on a claim that grew old while the process was frozen", async () => {
    await insertDue({ dueAtMs: NOW_MS - 10 });
    let monotonicMs = 0;
    const frozen: TestPorts = {
      ...ports,
      monotonicMs: () => monotonicMs,
      rows: {
        ...ports.rows,
        claimDue: async (...claim) => {
          const rows = await ports.rows.claimDue(...claim);
          monotonicMs += 25_000;
          return rows;
        },
      },
    };
    await releaseDue(frozen, ALL_PARTITIONS);
    expect(await releasedItems()).toEqual([]);
    expect(await rowCount()).toBe(1);
  });

  it("waits for all partitions before it says that one of them failed", async () => {
    await insertDue({ dueAtMs: NOW_MS - 10, orgId: orgOfPartition(0) });
    const deliveryId = await insertDue({ dueAtMs: NOW_MS - 10, orgId: orgOfPartition(1) });
    const failing: TestPorts = {
      ...ports,
      rows: {
        ...ports.rows,
        claimDue: async (partition, ...claim) => {
          if (partition === 0) throw new Error("Postgres is gone");
          return ports.rows.claimDue(partition, ...claim);
        },
      },
    };
    await expect(releaseDue(failing, ALL_PARTITIONS)).rejects.toThrow("Postgres is gone");
    expect(await releasedItems()).toMatchObject([{ deliveryId }]);
    expect(await rowCount()).toBe(1);
  });

  describe("the reconciler", () => {
    it("makes the work item of a delivery again that waits for nothing and is queued nowhere", async () => {
      const { deliveryId, partition } = await insertOpenDelivery();
      await startReconcile(() => Date.now() - 200_000)(partition);
      expect(await releasedItems()).toEqual([]);
      await startReconcile()(partition);
      expect(await releasedItems()).toMatchObject([{ deliveryId, attempt: 1, release: 0, possibleRepeat: true }]);
    });

    it("does so for what was parked and released, long before the time that it was parked for", async () => {
      const horizonMs = Date.now() + 5 * 86_400_000;
      const { deliveryId, partition } = await insertOpenDelivery({ status: "parked", nextAttemptAtMs: horizonMs });
      await startReconcile()(partition);
      expect(await releasedItems()).toMatchObject([{ deliveryId }]);
    });

    it("leaves what may be queued, however late it was released", async () => {
      const dueAtMs = Date.now() - 3_600_000;
      const { partition } = await insertOpenDelivery({
        status: "scheduled",
        nextAttemptAtMs: dueAtMs,
        createdAtMs: dueAtMs,
      });
      await test.publisher.publish({ subject: `retry.${partition}`, payload: new Uint8Array(), id: undefined });
      let nowMs = Date.now();
      const reconcile = startReconcile(() => nowMs);
      await reconcile(partition);
      nowMs += 30_000;
      await reconcile(partition);
      expect(await releasedItems()).toEqual([]);
    });

    it("looks beyond the oldest thousand, which may all be queued", async () => {
      const { orgId, partition } = await insertOpenDelivery({ createdAtMs: Date.now() - 400_000 });
      await test.pool.query(
        `insert into deliveries select (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(),
           'created_at', d.created_at - n * interval '1 ms'))).*
         from deliveries d, generate_series(1, 1500) n`,
      );
      await test.publisher.publish({ subject: `retry.${partition}`, payload: new Uint8Array(), id: undefined });
      let nowMs = Date.now();
      const reconcile = startReconcile(() => nowMs);
      await reconcile(partition);
      await test.connection.manager.streams.purge("RETRY");
      nowMs += 30_000;
      await reconcile(partition);
      const found = await releasedItems();
      expect(found.length).toBe(1_501);
      expect(new Set(found.map((item) => item.deliveryId)).size).toBe(1_501);
      expect(found.every((item) => item.orgId === orgId)).toBe(true);
    });

    it("parks what the webhook's lane has to release, instead of sending it past its rate or its order", async () => {
      const { deliveryId, webhookId, partition } = await insertOpenDelivery();
      test.webhooks.set(webhookId, known({ rateLimit: 5 }));
      await startReconcile()(partition);
      expect(await releasedItems()).toEqual([]);
      expect(await test.loggedEvents()).toMatchObject([
        { kind: "delivery.deferred", deliveryId, reason: "rate_limited", attempt: 1, release: 1 },
      ]);
    });

    it("leaves what waits in a row, whatever it waits for", async () => {
      const { deliveryId, orgId, webhookId, partition } = await insertOpenDelivery({ status: "parked" });
      await test.rows.due({ deliveryId, orgId, webhookId, kind: "parked", reason: "ordered", claimedUntilMs: 1 });
      await startReconcile()(partition);
      expect(await releasedItems()).toEqual([]);
      expect(await test.loggedEvents()).toEqual([]);
    });

    it("goes by what the log says, not by what of it is projected so far", async () => {
      const { deliveryId, partition } = await insertOpenDelivery();
      const logged = await test.publisher.publish({
        subject: `log.${partition}`,
        payload: new Uint8Array(),
        id: undefined,
      });
      const { epochMs } = await streamPosition(test.connection, "LOG");
      const reconciled = startReconcile()(partition);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await releasedItems()).toEqual([]);
      await test.pool.query("update deliveries set completed_at = now() where id = $1", [deliveryId]);
      await test.pool.query(
        `insert into projector_checkpoint (partition, stream_epoch_ms, epoch_ms, sequence) values ($1, $2, $2, $3)`,
        [partition, epochMs, logged.kind === "stored" ? logged.sequence : 0],
      );
      await reconciled;
      expect(await releasedItems()).toEqual([]);
    });
  });

  async function orgOf(deliveryId: string): Promise<OrgId> {
    const { rows } = await test.pool.query("select org_id from retry_due where delivery_id = $1", [deliveryId]);
    return rows[0].org_id;
  }
});
