import { randomUUID } from "node:crypto";
import { decodeEventGroup, encodeLogEvents } from "@posthorn/contracts";
import type { DeliveryId, LogEvent, OrgId, WebhookId } from "@posthorn/domain";
import { messageAt, streamPosition } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caughtUp, readLogEnds } from "./handlers/await-projection.ts";
import { disableFailing } from "./handlers/disable-failing.ts";
import { followLog } from "./handlers/follow-log.ts";
import { exhaustedReader } from "./io/exhausted-rows.ts";
import { known, openSchedulerTest, orgOfPartition, type SchedulerTest, tenureOf } from "./scheduler.fixture.ts";

const PARTITION = 6;
const DAY_MS = 86_400_000;
const FORGET_AFTER_MS = 300;

describe("what the scheduler says of operations", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;
  let orgId: OrgId;
  let webhookId: WebhookId;

  beforeAll(async () => {
    test = await openSchedulerTest(stack);
  });
  afterAll(() => stack.disposeAsync());
  beforeEach(async () => {
    await test.reset();
    orgId = orgOfPartition(PARTITION);
    webhookId = randomUUID() as WebhookId;
  });

  const log = (event: LogEvent) =>
    test.publisher.publish({ subject: `log.${PARTITION}`, payload: encodeLogEvents([event]), id: undefined });

  async function projectLog(): Promise<void> {
    const { epochMs, lastSequence } = await streamPosition(test.connection, "LOG");
    await test.pool.query(
      `insert into projector_checkpoint values ($1, $2, $2, $3, null)
       on conflict (partition) do update set sequence = $3`,
      [PARTITION, epochMs, lastSequence],
    );
  }

  describe("to those who subscribe", () => {
    let following: AsyncDisposable;
    let subscribed: Set<string>;
    let isAnybodySubscribed: boolean;

    const durable = () =>
      test.connection.manager.consumers.info("LOG", `scheduler-log-${PARTITION}`).catch(() => undefined);

    beforeEach(async () => {
      isAnybodySubscribed = true;
      subscribed = new Set(["posthorn.webhook.disabled", "posthorn.webhook.recovered", "posthorn.delivery.exhausted"]);
      const { ownPool: pool, connection, publisher, events } = test;
      following = followLog(
        connection,
        {
          webhooks: {
            get hasOperationalSubscribers() {
              return isAnybodySubscribed;
            },
            isSubscribed: (org, type) => org === orgId && subscribed.has(type),
          },
          readExhausted: exhaustedReader(pool),
          isProjected: async (partition, sequence) => {
            const [{ end } = { end: { epochMs: 0, sequence: 0 } }] = await readLogEnds(connection, [partition]);
            return (await caughtUp(pool, [{ partition, end: { ...end, sequence } }])).length > 0;
          },
          publisher,
          events,
          nowMs: Date.now,
        },
        () => true,
        FORGET_AFTER_MS,
      );
      await waitUntil(durable);
    });
    afterEach(() => following[Symbol.asyncDispose]());

    async function published() {
      const { firstSequence, lastSequence } = await streamPosition(test.connection, "INGEST");
      const found = [];
      for (let sequence = firstSequence; sequence <= lastSequence; sequence += 1) {
        const message = await messageAt(test.connection, "INGEST", sequence);
        const decoded = decodeEventGroup(message?.data ?? new Uint8Array());
        if (decoded.kind === "decoded") found.push(...decoded.value);
      }
      return found.map(({ type, data }) => ({ type, data: JSON.parse(Buffer.from(data).toString()) }));
    }
    const isWorkedOff = async () => {
      const info = await durable();
      return info !== undefined && info.num_pending + info.num_ack_pending === 0;
    };

    const exhausted = (deliveryId: DeliveryId): LogEvent => ({
      kind: "delivery.exhausted",
      orgId,
      eventId: randomUUID() as never,
      deliveryId,
      webhookId,
      atMs: Date.now(),
      attempt: 1,
      reason: "attempts_exhausted",
      release: 0,
    });

    it("publishes webhooks disabled and recovered, and no other happening", async () => {
      await log({ kind: "webhook.disabled", orgId, webhookId, atMs: Date.now(), reason: "gone", configVersion: 2 });
      await log({ kind: "circuit.opened", orgId, webhookId, atMs: Date.now(), generation: 1 });
      await log({ kind: "circuit.closed", orgId, webhookId, atMs: Date.now(), generation: 1 });
      await projectLog();
      await waitUntil(isWorkedOff);
      expect(await published()).toEqual([
        { type: "posthorn.webhook.disabled", data: { webhook_id: webhookId, reason: "gone" } },
        { type: "posthorn.webhook.recovered", data: { webhook_id: webhookId } },
      ]);
    });

    it("publishes an exhausted delivery when history has it, but none of an operational event or a test", async () => {
      const made = { orgId, webhookId, status: "exhausted", completedAtMs: Date.now() };
      const { deliveryId } = await test.rows.delivery(made);
      const own = await test.rows.delivery({ ...made, eventType: "posthorn.webhook.disabled" });
      const tested = await test.rows.delivery({ ...made, test: true });
      for (const id of [deliveryId, own.deliveryId, tested.deliveryId]) await log(exhausted(id as DeliveryId));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await published()).toEqual([]);
      await projectLog();
      await waitUntil(isWorkedOff);
      expect(await published()).toMatchObject([
        { type: "posthorn.delivery.exhausted", data: { delivery_id: deliveryId, event_type: "agent.status" } },
      ]);
    });

    it("repeats at worst: the same happening has the same id", async () => {
      const event: LogEvent = { kind: "circuit.closed", orgId, webhookId, atMs: Date.now(), generation: 1 };
      await log(event);
      await log(event);
      await projectLog();
      await waitUntil(isWorkedOff);
      expect((await published()).length).toBe(1);
    });

    it("reads nothing while nobody subscribes, and from then on what happens when somebody does", async () => {
      const recovered = (generation: number) =>
        log({ kind: "circuit.closed", orgId, webhookId, atMs: Date.now(), generation });
      isAnybodySubscribed = false;
      // It notices with the next message, and forgets how far it was after a while.
      await recovered(1);
      await waitUntil(async () => (await durable()) === undefined, { timeoutMs: 5_000 });
      await recovered(2);
      await projectLog();
      expect(await published()).toEqual([]);
      isAnybodySubscribed = true;
      await waitUntil(durable, { timeoutMs: 5_000 });
      await recovered(3);
      await projectLog();
      await waitUntil(isWorkedOff);
      expect((await published()).at(-1)).toEqual({
        type: "posthorn.webhook.recovered",
        data: { webhook_id: webhookId },
      });
    });

    it("keeps to itself what nobody of the organisation has subscribed to", async () => {
      subscribed.delete("posthorn.webhook.recovered");
      await log({ kind: "circuit.closed", orgId, webhookId, atMs: Date.now(), generation: 1 });
      await waitUntil(isWorkedOff);
      expect(await published()).toEqual([]);
    });
  });

  it("asks for webhooks to be disabled that have only failed, in the version that it knows, once", async () => {
    const nowMs = Date.now();
    const insert = (id: string, sinceMs: number) =>
      test.pool.query(
        `insert into webhook_health (webhook_id, org_id, last_attempt_at, consecutive_failures, failing_since)
         values ($1, $2, $3, 7, $4)`,
        [id, orgId, new Date(nowMs - 1_000), new Date(sinceMs)],
      );
    await insert(webhookId, nowMs - 5 * DAY_MS);
    await insert(randomUUID(), nowMs - 4 * DAY_MS);
    test.webhooks.set(webhookId, known({ version: 8 }));
    const { ownPool: pool, ports } = test;
    const disable = () =>
      disableFailing({ ...ports, pool, seenAtMs: () => 0, disableAfterMs: 5 * DAY_MS, nowMs: () => nowMs }, [
        tenureOf(PARTITION),
      ]);
    await disable();
    expect(await test.loggedEvents()).toMatchObject([
      { kind: "webhook.disabled", orgId, webhookId, reason: "failing", configVersion: 8 },
    ]);
    await test.pool.query("insert into webhook_disablings values ($1, $2, 'failing', 8, now())", [webhookId, orgId]);
    await disable();
    expect((await test.loggedEvents()).length).toBe(1);
  });
});
