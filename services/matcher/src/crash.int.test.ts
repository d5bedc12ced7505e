import { setTimeout as sleep } from "node:timers/promises";
import { PARTITIONS, workIdOf } from "@posthorn/domain";
import { createSeededRandom, waitUntil } from "@posthorn/testkit";
import { describe, expect, it } from "vitest";
import { event, eventId, orgId, webhookId } from "./core/matcher.fixture.ts";
import { type StoredItem, TestEngine } from "./engine.fixture.ts";
import { LEASE_MS } from "./io/leases.ts";

const ORGANISATIONS = 5;
const WEBHOOKS = 4;
const TEST_MS_MAX = 90_000;

async function subscribedEngine(): Promise<TestEngine> {
  const engine = await TestEngine.start();
  for (let org = 0; org < ORGANISATIONS; org += 1) {
    for (let number = 0; number < WEBHOOKS; number += 1) {
      await engine.writeWebhook({ orgId: orgId(org), id: webhookId(org * 100 + number) });
    }
  }
  return engine;
}

/** Publishes two events of every organisation, again and again. `stop` returns how many events were accepted. */
function publishUntilStopped(engine: TestEngine): { stop(): Promise<number> } {
  let isOn = true;
  let published = 0;
  const publishTwo = (org: number) => {
    const group = [0, 1].map((index) => event({ id: eventId(published + index), orgId: orgId(org) }));
    published += group.length;
    return engine.publish(group);
  };
  const loop = (async () => {
    while (isOn) {
      await Promise.all(Array.from({ length: ORGANISATIONS }, (_, org) => publishTwo(org)));
      await sleep(5);
    }
  })();
  return {
    stop: async () => {
      isOn = false;
      await loop;
      return published;
    },
  };
}

/** Waits until every delivery is logged and its work queued; returns the work that was queued again. */
async function queuedAgain(engine: TestEngine, events: number, timeoutMs: number): Promise<readonly StoredItem[]> {
  const expected = events * WEBHOOKS;
  const idsOf = (items: readonly StoredItem[]) =>
    new Set(items.map(({ item }) => workIdOf(item.deliveryId, item.attempt, item.release)));
  await waitUntil(async () => idsOf(engine.items).size >= expected && (await engine.unsettled()) === 0, {
    timeoutMs,
    everyMs: 100,
    describe: () => `${expected} deliveries, not ${idsOf(engine.items).size}, and every message to be acknowledged`,
  });
  expect(idsOf(engine.items).size).toBe(expected);
  const created = engine.log.flatMap(({ event: line }) => (line.kind === "delivery.created" ? [line.deliveryId] : []));
  expect(new Set(created).size).toBe(expected);
  const seen = new Set<string>();
  return engine.items.filter((stored) => seen.size === seen.add(stored.item.deliveryId).size);
}

const enoughItems = async (engine: TestEngine, count: number) => {
  const before = engine.items.length;
  await waitUntil(() => engine.items.length >= before + count, { timeoutMs: 30_000, describe: `${count} work items` });
};

describe("under load, nothing is lost", () => {
  it(
    "and nothing is queued twice when matchers are killed; what they had in hand is marked as a possible repeat",
    async () => {
      await using engine = await subscribedEngine();
      await using _other = engine.spawnMatcher();
      const random = createSeededRandom(20_260_324);
      const load = publishUntilStopped(engine);
      for (let kill = 0; kill < 4; kill += 1) {
        await using matcher = engine.spawnMatcher();
        await enoughItems(engine, 200);
        await sleep(random.integer(200, 700));
        await matcher.end("SIGKILL");
      }
      const events = await load.stop();
      expect(await queuedAgain(engine, events, 3 * LEASE_MS)).toEqual([]);
      expect(engine.items.some(({ item }) => item.possibleRepeat)).toBe(true);
    },
    TEST_MS_MAX,
  );

  it(
    "when NATS is killed; what is queued again, because it forgot what it had, says that it may be a repeat",
    async () => {
      await using engine = await subscribedEngine();
      await using _matcher = engine.spawnMatcher();
      const load = publishUntilStopped(engine);
      await enoughItems(engine, 500);
      await engine.nats.server.kill("SIGKILL");
      await engine.nats.server.restart();
      await enoughItems(engine, 500);
      const events = await load.stop();
      const again = await queuedAgain(engine, events, 3 * LEASE_MS);
      expect(again.filter(({ item }) => !item.possibleRepeat)).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it(
    "when a matcher is stopped; what it had not begun goes to others at once, what it had done is not done again",
    async () => {
      await using engine = await subscribedEngine();
      await using first = engine.spawnMatcher();
      const messages = Array.from({ length: 3_000 }, (_, number) =>
        [0, 1].map((index) => event({ id: eventId(2 * number + index), orgId: orgId(number % ORGANISATIONS) })),
      );
      const published = Promise.all(messages.map((group) => engine.publish(group)));
      await enoughItems(engine, 100);
      await first.end("SIGTERM");
      await published;
      expect(await engine.unsettled()).toBeGreaterThan(2 * PARTITIONS);
      await using _second = await engine.startMatcher();
      await waitUntil(async () => (await engine.unsettled()) === 0, {
        timeoutMs: LEASE_MS / 2,
        describe: "what was handed back to be settled",
      });
      const events = messages.flat().length;
      expect(await queuedAgain(engine, events, 2 * LEASE_MS)).toEqual([]);
      expect(engine.log).toHaveLength(events * WEBHOOKS);
    },
    TEST_MS_MAX,
  );
});
