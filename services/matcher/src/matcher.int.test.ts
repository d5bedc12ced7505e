import { decodeEventGroup } from "@posthorn/contracts";
import { limits, partitionOf } from "@posthorn/domain";
import { messageAt, streamPosition, subjectOf } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { event, eventId, orgId, webhookId } from "./core/matcher.fixture.ts";
import { type RunningMatcher, TestEngine } from "./engine.fixture.ts";

describe("a matcher", () => {
  let engine: TestEngine;
  let matcher: RunningMatcher;
  beforeAll(async () => {
    engine = await TestEngine.start();
    matcher = await engine.startMatcher();
  });
  afterAll(async () => {
    await matcher[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  const itemsOf = (org: number) => engine.items.flatMap(({ item }) => (item.orgId === orgId(org) ? [item] : []));
  const logOf = (org: number) => engine.log.flatMap((line) => (line.event.orgId === orgId(org) ? [line.event] : []));

  it("hands each event to exactly the webhooks of its organisation that match", async () => {
    for (const org of [1, 2]) {
      const base = { orgId: orgId(org) };
      await engine.writeWebhook({ ...base, id: webhookId(org * 10 + 1), patterns: ["agent.*"] });
      await engine.writeWebhook({ ...base, id: webhookId(org * 10 + 2), patterns: ["*", "agent.status"] });
      await engine.writeWebhook({ ...base, id: webhookId(org * 10 + 3), patterns: ["deployment.created"] });
    }
    await engine.publish([
      event({ id: eventId(1), type: "agent.status" }),
      event({ id: eventId(2), type: "deployment.created" }),
    ]);
    await waitUntil(() => itemsOf(1).length >= 4, { describe: "four work items" });
    const pairs = itemsOf(1).map((item) => `${item.eventId} ${item.webhookId}`);
    expect(pairs.sort()).toEqual([
      `${eventId(1)} ${webhookId(11)}`,
      `${eventId(1)} ${webhookId(12)}`,
      `${eventId(2)} ${webhookId(12)}`,
      `${eventId(2)} ${webhookId(13)}`,
    ]);
    expect(itemsOf(2)).toEqual([]);
  });

  it("logs every delivery before its work, in its organisation's partition", async () => {
    const created = logOf(1).filter(({ kind }) => kind === "delivery.created");
    expect(created).toHaveLength(4);
    const logged = created.map((line) => ("deliveryId" in line ? line.deliveryId : undefined));
    expect(logged.sort()).toEqual(
      itemsOf(1)
        .map(({ deliveryId }) => deliveryId)
        .sort(),
    );
  });

  it("carries the event as it was published, and names the place where it is stored", async () => {
    const org = 3;
    const data = Buffer.from('{"b": 1, "a": 123456789012345678901234567890, "a2":"\\u00e4"}');
    await engine.writeWebhook({ orgId: orgId(org), id: webhookId(31), profile: "mutx" });
    await engine.publish([
      event({ orgId: orgId(org), id: eventId(30) }),
      event({ orgId: orgId(org), id: eventId(31), data }),
    ]);
    await waitUntil(() => itemsOf(org).length >= 2, { describe: "two work items" });
    const item = itemsOf(org).find((one) => one.eventId === eventId(31));
    expect(Buffer.from(item?.event?.data ?? []).toString()).toBe(data.toString());
    expect(item).toMatchObject({ profile: "mutx", attempt: 1, release: 0, possibleRepeat: false });
    expect(item?.configRevision).toBeGreaterThan(0);
    expect(item?.place.epochMs).toBe((await streamPosition(engine.connection, "INGEST")).epochMs);
    const stored = await messageAt(engine.connection, "INGEST", item?.place.sequence ?? 0);
    const group = decodeEventGroup(stored?.data ?? new Uint8Array());
    expect(group.kind === "decoded" && group.value[item?.place.index ?? -1]?.id).toBe(eventId(31));
  });

  it("leaves a large payload where it is stored", async () => {
    const org = 4;
    await engine.writeWebhook({ orgId: orgId(org), id: webhookId(41) });
    const sizes = [limits.INLINE_PAYLOAD_BYTES_MAX, limits.INLINE_PAYLOAD_BYTES_MAX + 1];
    for (const [index, size] of sizes.entries()) {
      await engine.publish([event({ orgId: orgId(org), id: eventId(40 + index), data: Buffer.alloc(size, "1") })]);
    }
    await waitUntil(() => itemsOf(org).length >= 2, { describe: "two work items" });
    const inline = itemsOf(org).map((item) => [item.eventId, item.event?.data.length]);
    expect(inline).toEqual([
      [eventId(40), limits.INLINE_PAYLOAD_BYTES_MAX],
      [eventId(41), undefined],
    ]);
  });

  it("records what nobody wanted and what a paused webhook missed, without work", async () => {
    const org = 5;
    const paused = { orgId: orgId(org), id: webhookId(51), patterns: ["agent.*"], isActive: false };
    await engine.writeWebhook(paused);
    await engine.publish([
      event({ orgId: orgId(org), id: eventId(50), type: "agent.status" }),
      event({ orgId: orgId(org), id: eventId(51), type: "deployment.created" }),
    ]);
    await waitUntil(() => logOf(org).length >= 2, { describe: "two lines of the log" });
    expect(logOf(org)).toMatchObject([
      { kind: "delivery.skipped", eventId: eventId(50), webhookId: webhookId(51), reason: "webhook_inactive" },
      { kind: "event.unmatched", eventId: eventId(51), event: { type: "deployment.created" } },
    ]);
    expect(itemsOf(org)).toEqual([]);
  });

  it("asks a webhook's filter, by the newest version of it, and counts what it cannot answer", async () => {
    const org = 7;
    const base = { orgId: orgId(org) };
    const publish = (id: number, amount: unknown) =>
      engine.publish([event({ ...base, id: eventId(id), data: Buffer.from(JSON.stringify({ amount })) })]);
    const itemsBy = () => itemsOf(org).map((item) => `${item.eventId} ${item.webhookId}`);
    await engine.writeWebhook({ ...base, id: webhookId(71), filter: "data.amount > 100.0" });
    await engine.writeWebhook({ ...base, id: webhookId(72), filter: "data.missing == 1.0" });
    await publish(70, 500);
    await publish(71, 5);
    await engine.writeWebhook({ ...base, id: webhookId(71), filter: "data.amount < 100.0" }, 2);
    await publish(72, 500);
    await publish(73, 5);
    await waitUntil(() => logOf(org).length >= 4, { describe: "four lines of the log" });
    await waitUntil(() => itemsBy().length >= 2, { describe: "two work items" });
    expect(itemsBy()).toEqual([`${eventId(70)} ${webhookId(71)}`, `${eventId(73)} ${webhookId(71)}`]);
    const unmatched = logOf(org).filter(({ kind }) => kind === "event.unmatched");
    expect(unmatched.map((line) => "eventId" in line && line.eventId)).toEqual([eventId(71), eventId(72)]);
    expect(await matcher.figures()).toContain("matcher_filter_errors_total 4");
  });

  it("parks what an ordered or rate-limited webhook gets at birth, and queues nothing", async () => {
    const org = 8;
    const base = { orgId: orgId(org) };
    await engine.writeWebhook({ ...base, id: webhookId(81), patterns: ["a"], ordered: true });
    await engine.writeWebhook({ ...base, id: webhookId(82), patterns: ["b"], rateLimit: 50 });
    await engine.publish([
      event({ ...base, id: eventId(80), type: "a" }),
      event({ ...base, id: eventId(81), type: "b" }),
    ]);
    await waitUntil(() => logOf(org).length >= 2, { describe: "two lines of the log" });
    expect(logOf(org)).toMatchObject([
      { kind: "delivery.created", webhookId: webhookId(81), hold: "ordered" },
      { kind: "delivery.created", webhookId: webhookId(82), hold: "rate_limited" },
    ]);
    await waitUntil(async () => (await engine.unsettled()) === 0, { describe: "every message to be acknowledged" });
    expect(itemsOf(org)).toEqual([]);
  });

  it("hands operational events to those who name them, and test events to nobody", async () => {
    const org = 9;
    const base = { orgId: orgId(org) };
    await engine.writeWebhook({ ...base, id: webhookId(91), patterns: ["*"] });
    await engine.writeWebhook({ ...base, id: webhookId(92), patterns: ["posthorn.webhook.*"] });
    await engine.publish([
      event({ ...base, id: eventId(90), type: "posthorn.webhook.disabled" }),
      event({ ...base, id: eventId(91), type: "agent.status", forWebhook: webhookId(91) }),
    ]);
    await engine.publish([event({ ...base, id: eventId(92), type: "agent.status" })]);
    await waitUntil(() => itemsOf(org).length >= 2, { describe: "two work items" });
    expect(itemsOf(org).map((item) => `${item.eventId} ${item.webhookId}`)).toEqual([
      `${eventId(90)} ${webhookId(92)}`,
      `${eventId(92)} ${webhookId(91)}`,
    ]);
    expect(logOf(org)).toHaveLength(2);
  });

  it("sets aside what it cannot read, and goes on", async () => {
    const org = 6;
    await engine.writeWebhook({ orgId: orgId(org), id: webhookId(61) });
    await engine.publishBytes(subjectOf("INGEST", partitionOf(orgId(org))), Buffer.from("not a group of events"));
    await engine.publish([event({ orgId: orgId(org), id: eventId(60) })]);
    await waitUntil(() => itemsOf(org).length >= 1, { describe: "one work item" });
    await waitUntil(async () => (await engine.unsettled()) === 0, { describe: "every message to be acknowledged" });
  });
});

describe("a matcher without a complete copy of the configuration", () => {
  it("takes nothing and says that it is not ready until the copy is complete, and then takes everything", async () => {
    await using engine = await TestEngine.start({ isConfigured: false });
    await using matcher = await engine.startMatcher();
    await engine.publish([event()]);
    await engine.writeWebhook({});
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(engine.log).toEqual([]);
    expect(matcher.dependencies()).toMatchObject({ nats: { status: "up" }, configuration: { status: "down" } });
    await engine.completeConfiguration();
    await waitUntil(() => engine.items.length === 1, { describe: "the work item" });
    await waitUntil(() => matcher.dependencies().configuration?.status === "up", {
      describe: "the matcher to be ready",
    });
  });
});
