import { randomUUID } from "node:crypto";
import { type DeliveryId, type OrgId, type ReplayId, replayedDeliveryIdOf, type WebhookId } from "@posthorn/domain";
import { streamPosition } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Tenure } from "./handlers/tenure.ts";
import { workReplays } from "./handlers/work-replays.ts";
import { openReplayRows, REPLAYS_PER_ORG_MAX } from "./io/replay-rows.ts";
import { openSchedulerTest, orgOfPartition, type SchedulerTest, tenureOf } from "./scheduler.fixture.ts";

const PARTITION = 1;
const HOUR_MS = 3_600_000;

describe("replays", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;
  let place: { epochMs: number; sequence: number };
  let orgId: OrgId;
  let webhookId: WebhookId;
  let replayId: ReplayId;
  let tenure: Tenure;
  let startedAtMs: number;

  beforeAll(async () => {
    test = await openSchedulerTest(stack);
  });
  afterAll(() => stack.disposeAsync());

  beforeEach(async () => {
    await test.reset();
    const request = { subject: `ingest.${PARTITION}`, payload: new Uint8Array(), id: undefined };
    await test.publisher.publish(request);
    const { epochMs, lastSequence } = await streamPosition(test.connection, "INGEST");
    place = { epochMs, sequence: lastSequence };
    orgId = orgOfPartition(PARTITION);
    webhookId = randomUUID() as WebhookId;
    replayId = randomUUID() as ReplayId;
    tenure = tenureOf(PARTITION);
    startedAtMs = Date.now();
  });

  /** Delivered an hour ago, unless it says otherwise. */
  const delivery = async (changes: Parameters<SchedulerTest["rows"]["delivery"]>[0] = {}) => {
    const createdAtMs = startedAtMs - HOUR_MS;
    const ended = { status: "delivered", completedAtMs: createdAtMs + 1_000 };
    const made = await test.rows.delivery({ orgId, webhookId, createdAtMs, place, ...ended, ...changes });
    return made.deliveryId as DeliveryId;
  };

  const start = (
    changes: { statuses?: string[]; types?: string[]; cursor?: string; done?: number; untilMs?: number } = {},
  ) =>
    test.pool.query(
      `insert into replays (id, org_id, partition, webhook_id, since, until, statuses, types, started_by, state, total,
         done, skipped, cursor, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 'root', 'running', null, $9, 0, $10, $11)`,
      [
        replayId,
        orgId,
        PARTITION,
        webhookId,
        new Date(startedAtMs - 2 * HOUR_MS),
        new Date(changes.untilMs ?? startedAtMs),
        changes.statuses ?? [],
        changes.types ?? [],
        changes.done ?? 0,
        changes.cursor ?? "",
        new Date(startedAtMs),
      ],
    );

  async function work(owner = tenure): Promise<void> {
    const { ownPool: pool, connection, ports } = test;
    while (await workReplays({ ...ports, connection, replays: openReplayRows(pool), nowMs: Date.now }, [owner]));
  }

  async function madeAgain(): Promise<unknown[]> {
    const created = (await test.loggedEvents()).flatMap((event) => (event.kind === "delivery.created" ? [event] : []));
    return created.map(({ deliveryId }) => deliveryId).sort();
  }
  const again = (ids: readonly DeliveryId[]) => ids.map((id) => replayedDeliveryIdOf(id, replayId)).sort();
  const progressOf = async () =>
    (await test.loggedEvents()).flatMap((event) =>
      "progress" in event ? [{ kind: event.kind, ...event.progress }] : [],
    );

  it("make again what has ended in the range, and skip what is under way or has no payload any more", async () => {
    const ids = [await delivery(), await delivery({ status: "exhausted" }), await delivery({ status: "skipped" })];
    await delivery({ status: "scheduled", completedAtMs: undefined });
    await delivery({ place: { epochMs: place.epochMs, sequence: place.sequence - 1 } });
    await start();
    await work();
    expect(await madeAgain()).toEqual(again(ids));
    expect((await progressOf()).at(-1)).toMatchObject({ kind: "replay.finished", total: 5, done: 3, skipped: 2 });
  });

  it("leave out tests, replays, other webhooks and what is outside of the range", async () => {
    await delivery({ test: true });
    await delivery({ replayId: randomUUID() });
    await delivery({ webhookId: randomUUID() as WebhookId });
    await delivery({ createdAtMs: startedAtMs - 3 * HOUR_MS });
    await delivery({ createdAtMs: startedAtMs + 1 });
    await start({ untilMs: startedAtMs + HOUR_MS });
    await work();
    expect(await madeAgain()).toEqual([]);
    expect(await progressOf()).toMatchObject([{ kind: "replay.finished", total: 0, done: 0, skipped: 0 }]);
  });

  it("keep to the statuses and types that were asked for", async () => {
    const wanted = await delivery({ status: "exhausted", eventType: "agent.run.done" });
    await delivery({ status: "exhausted", eventType: "deployment.started" });
    await delivery({ status: "delivered", eventType: "agent.run.done" });
    await start({ statuses: ["exhausted"], types: ["agent.*"] });
    await work();
    expect(await madeAgain()).toEqual(again([wanted]));
    expect((await progressOf()).at(-1)).toMatchObject({ total: 1, done: 1, skipped: 0 });
  });

  it("go on behind the last page that the log tells of, and make nothing twice when that was not all", async () => {
    for (let index = 0; index < 5; index += 1) await delivery({ createdAtMs: startedAtMs - HOUR_MS + index });
    await test.pool.query(
      `insert into deliveries select (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(),
         'created_at', d.created_at + n * interval '1 s'))).* from deliveries d, generate_series(1, 199) n`,
    );
    await start();
    const { ownPool: pool, connection, ports } = test;
    const replays = openReplayRows(pool);
    let pages = 0;
    const dying = {
      ...ports,
      connection,
      replays,
      nowMs: Date.now,
      writeLog: async (...[events]: Parameters<typeof ports.writeLog>) => {
        if (events[0]?.kind === "replay.progressed" && ++pages === 2) throw new Error("killed before it could say so");
        await ports.writeLog(events);
      },
    };
    while (pages < 2) await workReplays(dying, [tenure]);
    const first = (await progressOf()).at(-1);
    expect(first).toMatchObject({ kind: "replay.progressed", total: 1_000, done: 400 });
    await test.pool.query("update replays set total = $1, done = $2, cursor = $3", [
      first?.total,
      first?.done,
      first?.cursor,
    ]);
    await work(tenureOf(PARTITION));
    const made = await madeAgain();
    expect(new Set(made).size).toBe(1_000);
    expect((await progressOf()).at(-1)).toMatchObject({
      kind: "replay.finished",
      total: 1_000,
      done: 1_000,
      skipped: 0,
    });
  });

  it("of a deleted webhook end with everything skipped, those of a paused one are worked", async () => {
    await delivery();
    await start();
    test.webhooks.set(webhookId, { kind: "deleted" });
    await work();
    expect(await madeAgain()).toEqual([]);
    expect(await progressOf()).toMatchObject([{ kind: "replay.finished", total: 1, done: 0, skipped: 1 }]);
  });

  it("of one organisation, however many, leave those of another their turn", async () => {
    const [impatient, patient] = [orgId, orgOfPartition(PARTITION)];
    const startFor = async (org: OrgId, atMs: number) => {
      [orgId, replayId, startedAtMs] = [org, randomUUID() as ReplayId, atMs];
      await start();
      return replayId;
    };
    const many: ReplayId[] = [];
    for (let count = 0; count < 3 * REPLAYS_PER_ORG_MAX; count += 1)
      many.push(await startFor(impatient, Date.now() + count));
    const one = await startFor(patient, Date.now() + HOUR_MS);
    const running = await openReplayRows(test.ownPool).running([PARTITION]);
    expect(running.map(({ id }) => id)).toEqual([many[0], one, ...many.slice(1, REPLAYS_PER_ORG_MAX)]);
  });

  it("say once that they are finished, and are forgotten when the projection knows it", async () => {
    await start();
    await work();
    await work();
    expect((await progressOf()).length).toBe(1);
    await test.pool.query("update replays set state = 'finished'");
    await work();
    expect(tenure.replays.size).toBe(0);
  });
});
