import { randomUUID } from "node:crypto";
import { decodeWorkItem } from "@posthorn/contracts";
import { type OpenDatabase, openDatabase } from "@posthorn/database";
import { ALL_PARTITIONS, type OrgId, partitionOf, type WorkItem } from "@posthorn/domain";
import {
  BusConnection,
  ensureStreams,
  messageAt,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
  streamPosition,
} from "@posthorn/message-bus";
import { openShell } from "@posthorn/service-runtime";
import { createTestDatabase, startTestNats, type TestDatabase } from "@posthorn/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSchedulerEvents, type SchedulerEvents } from "./events.ts";
import { createReconcile, type Reconcile } from "./handlers/reconcile.ts";
import { type ReleasePorts, releaseDue, releaseParked } from "./handlers/release-due.ts";
import { openDueDeliveries } from "./io/due-deliveries.ts";

const NOW_MS = 1_750_000_000_000;
const orgOfPartition = (partition: number): OrgId => {
  for (;;) {
    const orgId = randomUUID() as OrgId;
    if (partitionOf(orgId) === partition) return orgId;
  }
};

describe("the scheduler", () => {
  const stack = new AsyncDisposableStack();
  let database: TestDatabase;
  let pool: OpenDatabase["pool"];
  let connection: BusConnection;
  let publisher: Publisher;
  let ports: ReleasePorts;
  let events: SchedulerEvents;
  let paused = new Set<string>();

  beforeAll(async () => {
    database = stack.use(await createTestDatabase());
    ({ pool } = stack.use(openDatabase(database.url, { poolMax: 4, applicationName: "test" })));
    const nats = stack.use(await startTestNats());
    connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
    await ensureStreams(connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
    publisher = stack.use(new Publisher(connection));
    const { shell } = stack.use(
      await openShell({
        name: "scheduler",
        config: { host: "127.0.0.1", httpPort: 0, logLevel: "silent", leash: "none" },
        env: {},
        stopping: new AbortController().signal,
      }),
    );
    events = createSchedulerEvents(shell.log, shell.metrics);
  });
  afterAll(() => stack.disposeAsync());

  beforeEach(async () => {
    await pool.query("truncate retry_due, deliveries, projector_checkpoint");
    await connection.manager.streams.purge("RETRY");
    await connection.manager.streams.purge("LOG");
    paused = new Set();
    ports = {
      due: openDueDeliveries(pool),
      publisher,
      configRevision: () => 7,
      isPaused: ({ webhookId }) => paused.has(webhookId),
      events,
      startedAtMs: NOW_MS - 60_000,
      nowMs: () => NOW_MS,
      monotonicMs: () => 0,
    };
  });

  async function insertDue(row: { dueAtMs: number; kind?: "retry" | "parked"; webhookId?: string; orgId?: string }) {
    const orgId = (row.orgId ?? randomUUID()) as OrgId;
    const deliveryId = randomUUID();
    await pool.query(
      `insert into retry_due (delivery_id, partition, due_at, kind, attempt, release, org_id, event_id, webhook_id,
         event_type, accepted_at, profile, place_epoch_ms, place_sequence, place_index, traceparent)
       values ($1, $2, $3, $4, 2, 1, $5, $6, $7, 'agent.status', $8, 'standard', 1, 2, 3, 'tp')`,
      [
        deliveryId,
        partitionOf(orgId),
        new Date(row.dueAtMs),
        row.kind ?? "retry",
        orgId,
        randomUUID(),
        row.webhookId ?? randomUUID(),
        new Date(NOW_MS - 3_600_000),
      ],
    );
    return deliveryId;
  }

  async function insertOpenDelivery(changes: { status?: string; nextAttemptAtMs?: number; createdAtMs?: number } = {}) {
    const orgId = randomUUID() as OrgId;
    const deliveryId = randomUUID();
    const createdAt = new Date(changes.createdAtMs ?? Date.now() - 400_000);
    const nextAttemptAt = changes.nextAttemptAtMs === undefined ? null : new Date(changes.nextAttemptAtMs);
    await pool.query(
      `insert into deliveries (id, partition, org_id, event_id, webhook_id, event_type, profile, place_epoch_ms,
         place_sequence, place_index, traceparent, accepted_at, created_at, status, next_attempt_at, attempt_count,
         release, repeated_attempts, test, log_epochs, log_sequences)
       values ($1, $2, $3, $4, $5, 'agent.status', 'standard', 1, 1, 0, 'tp', $6, $6, $7, $8, 0, 0, 0, false, '{}', '{}')`,
      [
        deliveryId,
        partitionOf(orgId),
        orgId,
        randomUUID(),
        randomUUID(),
        createdAt,
        changes.status ?? "pending",
        nextAttemptAt,
      ],
    );
    return { deliveryId, partition: partitionOf(orgId) };
  }

  function startReconcile(nowMs: () => number = Date.now): Reconcile {
    return createReconcile({ pool, connection, publisher, events, reconcileAfterMs: 300_000, nowMs });
  }

  async function releasedItems(): Promise<WorkItem[]> {
    const { firstSequence, lastSequence } = await streamPosition(connection, "RETRY");
    const items: WorkItem[] = [];
    for (let sequence = firstSequence; sequence <= lastSequence; sequence += 1) {
      const message = await messageAt(connection, "RETRY", sequence);
      const decoded = message === undefined ? undefined : decodeWorkItem(message.data);
      if (decoded?.kind === "decoded") items.push(decoded.value);
    }
    return items;
  }

  const rowCount = async () => Number((await pool.query("select count(*) as n from retry_due")).rows[0].n);

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
    await pool.query("update retry_due set claimed_until = $1", [new Date(NOW_MS + 1)]);
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(0);
    const later = { ...ports, nowMs: () => NOW_MS + 2 };
    expect(await releaseDue(later, ALL_PARTITIONS)).toBe(1);
    expect(await releasedItems()).toMatchObject([{ deliveryId, possibleRepeat: true }]);
  });

  it("keeps a row whose work id the stream knows already: that says nothing about its fate", async () => {
    const deliveryId = await insertDue({ dueAtMs: NOW_MS - 10 });
    await publisher.publish({ subject: "retry.0", payload: new Uint8Array(), id: `${deliveryId}:2:1` });
    await releaseDue(ports, ALL_PARTITIONS);
    expect(await rowCount()).toBe(1);
    expect(await releaseDue(ports, ALL_PARTITIONS)).toBe(0);
  });

  it("does not forget a row that the projection has replaced meanwhile", async () => {
    const deliveryId = await insertDue({ dueAtMs: NOW_MS - 10 });
    const [claimed] = await ports.due.claimDue(partitionOf(await orgOf(deliveryId)), NOW_MS, NOW_MS + 1);
    await pool.query("update retry_due set attempt = 3");
    await ports.due.forget(claimed === undefined ? [] : [claimed]);
    expect(claimed).toBeDefined();
    expect(await rowCount()).toBe(1);
  });

  it("releases parked work as soon as its webhook takes deliveries again, before its time", async () => {
    const webhookId = randomUUID();
    await insertDue({ dueAtMs: NOW_MS + 1_000_000, kind: "parked", webhookId });
    paused.add(webhookId);
    expect(await releaseParked(ports, ALL_PARTITIONS)).toBe(0);
    paused.delete(webhookId);
    expect(await releaseParked(ports, ALL_PARTITIONS)).toBe(1);
    expect(await rowCount()).toBe(0);
  });

  it("says of a repeated publish that it may be a repeat: the first may have been worked off meanwhile", async () => {
    await insertDue({ dueAtMs: NOW_MS - 10 });
    const repeats: WorkItem[] = [];
    const once: ReleasePorts["publisher"] = {
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
    const frozen: ReleasePorts = {
      ...ports,
      monotonicMs: () => monotonicMs,
      due: {
        ...ports.due,
        claimDue: async (...claim) => {
          const rows = await ports.due.claimDue(...claim);
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
    const failing: ReleasePorts = {
      ...ports,
      due: {
        ...ports.due,
        claimDue: async (partition, ...claim) => {
          if (partition === 0) throw new Error("Postgres is gone");
          return ports.due.claimDue(partition, ...claim);
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
      await publisher.publish({ subject: `retry.${partition}`, payload: new Uint8Array(), id: undefined });
      let nowMs = Date.now();
      const reconcile = startReconcile(() => nowMs);
      await reconcile(partition);
      nowMs += 30_000;
      await reconcile(partition);
      expect(await releasedItems()).toEqual([]);
    });

    it("goes by what the log says, not by what of it is projected so far", async () => {
      const { deliveryId, partition } = await insertOpenDelivery();
      const logged = await publisher.publish({ subject: `log.${partition}`, payload: new Uint8Array(), id: undefined });
      const { epochMs } = await streamPosition(connection, "LOG");
      const reconciled = startReconcile()(partition);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await releasedItems()).toEqual([]);
      await pool.query("update deliveries set completed_at = now() where id = $1", [deliveryId]);
      await pool.query(
        `insert into projector_checkpoint (partition, stream_epoch_ms, epoch_ms, sequence) values ($1, $2, $2, $3)`,
        [partition, epochMs, logged.kind === "stored" ? logged.sequence : 0],
      );
      await reconciled;
      expect(await releasedItems()).toEqual([]);
    });
  });

  async function orgOf(deliveryId: string): Promise<OrgId> {
    const { rows } = await pool.query("select org_id from retry_due where delivery_id = $1", [deliveryId]);
    return rows[0].org_id;
  }
});
