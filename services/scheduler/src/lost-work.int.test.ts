import { encodeWorkItem } from "@posthorn/contracts";
import { ALL_PARTITIONS, deliveryIdOf, type EventId, type WebhookId } from "@posthorn/domain";
import {
  type ConnectionState,
  ensureStreams,
  STREAM_BYTES_MAX_DEFAULT,
  subjectOf,
  WorkSource,
} from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createReconcile } from "./handlers/reconcile.ts";
import { releaseDue } from "./handlers/release-due.ts";
import { restoreCreations } from "./handlers/restore-creations.ts";
import { watchConnection } from "./handlers/watch-connection.ts";
import { findCandidates } from "./io/open-deliveries.ts";
import { NOW_MS, openSchedulerTest, orgOfPartition, type SchedulerTest } from "./scheduler.fixture.ts";

const PARTITION = 3;
const HOURS_MS = 6 * 3_600_000;

describe("work items that got lost", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;
  beforeAll(async () => {
    test = await openSchedulerTest(stack);
  });
  afterAll(() => stack.disposeAsync());
  beforeEach(async () => {
    await test.reset();
    await test.connection.manager.streams.purge("DELIVER");
  });

  /** @param clockMs how far the scheduler's clock is off. */
  const reconciler = (clockMs: () => number = () => 0, quietMs: () => number = () => 300_000) =>
    createReconcile({
      ...test.ports,
      pool: test.ownPool,
      connection: test.connection,
      publisher: test.publisher,
      quietForMs: quietMs,
      nowMs: () => Date.now() + clockMs(),
    });

  /** An open delivery whose first attempt is queued. @returns its id, and its message's sequence. */
  async function queuedDelivery(ageMs = 400_000) {
    const createdAtMs = Date.now() - ageMs;
    const { deliveryId, partition } = await test.rows.delivery({ orgId: orgOfPartition(PARTITION), createdAtMs });
    const { candidates } = await findCandidates(test.ownPool, partition, Date.now());
    const item = candidates.find((one) => one.item.deliveryId === deliveryId)?.item;
    if (item === undefined) throw new Error("the delivery is not open");
    const facts = { configRevision: 0, possibleRepeat: false, event: undefined, terms: undefined, followers: [] };
    const payload = encodeWorkItem({ ...item, ...facts });
    const request = { subject: subjectOf("DELIVER", PARTITION), payload, id: `${deliveryId}:1:0` };
    return { deliveryId, sequence: (await test.publisher.publishUntilStored(request)).sequence };
  }

  const madeAgain = async () => (await test.itemsIn("RETRY")).map((item) => item.deliveryId);
  const isDone = (deliveryId: string) =>
    test.pool.query("update deliveries set completed_at = now() where id = $1", [deliveryId]);

  /** Everything that is queued, and settled by whoever took it. */
  async function workOff(...deliveryIds: readonly string[]): Promise<void> {
    const options = { worker: "dispatcher", prefetchMax: 16, leaseMs: 60_000, onTrouble: () => {} } as const;
    using source = await WorkSource.open(test.connection, { stream: "DELIVER", ...options });
    await waitUntil(() => source.waiting >= deliveryIds.length);
    await Promise.all(deliveryIds.map(isDone));
    for (const message of source.take(100)) message.ack();
    await waitUntil(async () => (await test.connection.manager.streams.info("DELIVER")).state.messages === 0);
  }

  it("are made again once, as possible repeats, when nothing older is queued that they could be", async () => {
    const [lost, queued] = [await queuedDelivery(), await queuedDelivery()];
    await test.connection.manager.streams.deleteMessage("DELIVER", lost.sequence);
    const reconcile = reconciler();
    await reconcile(PARTITION);
    expect(await madeAgain()).toEqual([]);
    await workOff(queued.deliveryId);
    await reconcile(PARTITION);
    expect(await test.itemsIn("RETRY")).toMatchObject([
      { deliveryId: lost.deliveryId, attempt: 1, possibleRepeat: true },
    ]);
    // Its item waits now: it is not made once more, not even when the stream has forgotten the id.
    await test.connection.manager.streams.update("RETRY", { duplicate_window: 100 * 1_000_000 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await reconcile(PARTITION);
    await reconcile(PARTITION);
    expect(await madeAgain()).toEqual([lost.deliveryId]);
  });

  it("are made again soon after a broken connection, when the stream does not hold them, and only these", async () => {
    const [lost, queued] = [await queuedDelivery(20_000), await queuedDelivery(20_000)];
    await test.connection.manager.streams.deleteMessage("DELIVER", lost.sequence);
    const listeners = new Set<(state: ConnectionState) => void>();
    const onStateChange = (listener: (state: ConnectionState) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    using watch = watchConnection({ onStateChange }, 300_000, () => performance.now());
    const reconcile = reconciler(() => 0, watch.quietForMs);
    await reconcile(PARTITION);
    await workOff(queued.deliveryId);
    await reconcile(PARTITION);
    expect(await madeAgain()).toEqual([]);
    for (const listener of listeners) listener("connected");
    await reconcile(PARTITION);
    expect(await madeAgain()).toEqual([lost.deliveryId]);
  });

  it("are told apart from queued ones by sequences: a clock that is hours off changes nothing", async () => {
    for (const offMs of [-HOURS_MS, HOURS_MS]) {
      await queuedDelivery(2 * HOURS_MS);
      let clockMs = offMs;
      const reconcile = reconciler(() => clockMs);
      await reconcile(PARTITION);
      clockMs = 0;
      await reconcile(PARTITION);
      await reconcile(PARTITION);
    }
    expect(await madeAgain()).toEqual([]);
  });

  it("are all made again when the stream itself was made anew", async () => {
    const lost = [await queuedDelivery(), await queuedDelivery()].map(({ deliveryId }) => deliveryId);
    const reconcile = reconciler();
    await reconcile(PARTITION);
    await test.connection.manager.streams.delete("DELIVER");
    await ensureStreams(test.connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
    const { deliveryId: later } = await queuedDelivery();
    await reconcile(PARTITION);
    expect(new Set(await madeAgain())).toEqual(new Set(lost));
    expect(await madeAgain()).not.toContain(later);
  });

  it("are made of what other deliveries tell, or given up, when the creation itself is lost", async () => {
    const orgId = orgOfPartition(PARTITION);
    const webhookId = "0190163d-8694-739b-aea5-966c26f8ad90" as WebhookId;
    const [known, unknown] = ["01890a5d-ac96-774b-bcce-000000000001", "01890a5d-ac96-774b-bcce-000000000002"];
    await test.rows.delivery({ orgId, webhookId, completedAtMs: NOW_MS });
    await test.pool.query(
      `insert into events (id, org_id, type, accepted_at, place_epoch_ms, place_sequence, place_index, traceparent)
       values ($1, $2, 'agent.status', $3, 1, 2, 3, 'tp')`,
      [known, orgId, new Date(NOW_MS)],
    );
    for (const [index, eventId] of [known, unknown].entries()) {
      await test.pool.query(
        `insert into deliveries (id, partition, org_id, event_id, webhook_id, created_at, status, next_attempt_at,
           attempt_count, release, repeated_attempts, log_epochs, log_sequences)
         values ($1, $2, $3, $4, $5, $6, 'scheduled', $6, 1, 0, 0, '{}', '{}')`,
        [deliveryIdOf(eventId as EventId, webhookId), PARTITION, orgId, eventId, webhookId, new Date(NOW_MS + index)],
      );
    }
    const { connection, ownPool: pool, ports } = test;
    await restoreCreations({ ...ports, pool, connection, quietForMs: () => 300_000, nowMs: Date.now }, PARTITION);
    expect(await test.loggedEvents()).toMatchObject([
      {
        kind: "delivery.created",
        deliveryId: deliveryIdOf(known as EventId, webhookId),
        profile: "standard",
        event: { type: "agent.status", place: { epochMs: 1, sequence: 2, index: 3 } },
      },
      { kind: "delivery.exhausted", eventId: unknown, reason: "payload_gone", attempt: 2 },
    ]);
  });

  it("are not those of a clock that was hours ahead: its claims are void for everybody, and what it held is marked", async () => {
    const claimedUntilMs = NOW_MS + HOURS_MS;
    const deliveryId = await test.rows.due({ dueAtMs: NOW_MS - 10, claimedUntilMs });
    expect(await releaseDue(test.ports, ALL_PARTITIONS)).toBe(1);
    expect(await test.itemsIn("RETRY")).toMatchObject([{ deliveryId, possibleRepeat: true }]);
  });
});
