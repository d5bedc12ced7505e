import { setTimeout as sleep } from "node:timers/promises";
import { partitionOf } from "@posthorn/domain";
import { waitUntil } from "@posthorn/testkit";
import { expect, it } from "vitest";
import { event, eventId, orgId, webhookId } from "./core/matcher.fixture.ts";
import { TestEngine } from "./engine.fixture.ts";

it("waits while DELIVER is full, and skips nothing", async () => {
  const events = 200;
  const data = Buffer.alloc(60_000, "1");
  await using engine = await TestEngine.start({ isConfigured: false });
  await using matcher = await engine.startMatcher();
  await engine.writeWebhook({});
  await engine.connection.manager.streams.update("DELIVER", { max_bytes: 10 * data.length });
  for (let number = 0; number < events; number += 1) await engine.publish([event({ id: eventId(number), data })]);
  await engine.completeConfiguration();
  await waitUntil(() => engine.items.length >= events, {
    timeoutMs: 25_000,
    describe: () => `${events} work items, not ${engine.items.length}`,
  });
  expect(new Set(engine.items.map(({ item }) => item.eventId)).size).toBe(events);
  const subject = `deliver.${partitionOf(orgId(1))}`;
  const refusals = (await matcher.figures())
    .split("\n")
    .find((line) => line.includes(`refusals_total{subject="${subject}"}`));
  expect(Number(refusals?.split(" ").at(-1))).toBeGreaterThan(0);
});

it("does not let the huge fan-out of one organisation hold up another's events", async () => {
  const [crowded, quiet] = [orgId(1), orgId(2)];
  expect(partitionOf(crowded)).not.toBe(partitionOf(quiet));
  const [webhooks, flood, samples] = [1_000, 60, 20];
  await using engine = await TestEngine.start();
  await using _matcher = await engine.startMatcher();
  const ids = Array.from({ length: webhooks }, (_, index) => webhookId(index));
  await Promise.all(ids.map((id) => engine.writeWebhook({ orgId: crowded, id })));
  await engine.writeWebhook({ orgId: quiet, id: webhookId(webhooks) });

  const flooded = Array.from({ length: flood }, (_, index) => event({ id: eventId(index), orgId: crowded }));
  await Promise.all(flooded.map((one) => engine.publish([one])));
  for (let sample = 0; sample < samples; sample += 1) {
    await engine.publish([event({ id: eventId(flood + sample), orgId: quiet, acceptedAtMs: Date.now() })]);
    await sleep(20);
  }
  const quietItems = () => engine.items.filter(({ item }) => item.orgId === quiet);
  await waitUntil(() => quietItems().length >= samples, {
    timeoutMs: 20_000,
    describe: "the quiet organisation's items",
  });
  const crowdedDone = engine.items.length - samples;
  const latenciesMs = quietItems().map(({ item, storedAtMs }) => storedAtMs - item.acceptedAtMs);
  expect(crowdedDone).toBeLessThan(webhooks * flood);
  expect(Math.max(...latenciesMs)).toBeLessThan(1_000);
  await waitUntil(() => engine.items.length >= webhooks * flood + samples, { timeoutMs: 25_000, describe: "the rest" });
});
