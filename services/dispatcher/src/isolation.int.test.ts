import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DeliveryId, LogEvent, ReleaseTerms, WebhookId, WorkItem } from "@posthorn/domain";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DispatcherBench } from "./dispatcher.fixture.ts";
import { byTheLog } from "./settled.fixture.ts";

let bench: DispatcherBench;
let signer: AsyncDisposable & { readonly target: string };
let projection: AsyncDisposable & { readonly target: string };
let receiver: Receiver;
/** Ends with each test, dispatchers first. */
let stack: AsyncDisposableStack;

beforeAll(async () => {
  bench = await DispatcherBench.start();
  signer = await bench.startSigner();
  projection = await bench.startProjection(byTheLog);
});
afterAll(async () => {
  await projection[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
/** Every test has a webhook of its own: a gate remembers. */
let webhookId: WebhookId;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  webhookId = randomUUID() as WebhookId;
  receiver = stack.use(await startReceiver());
  await bench.writeWebhook(signer.target, { id: webhookId, url: receiver.url, retryDelaysS: [60] });
});
afterEach(async () => {
  await stack.disposeAsync();
  // Also of what a lease still holds.
  for (const stream of ["DELIVER", "RETRY"]) await bench.connection.manager.streams.purge(stream);
});

const start = async () =>
  stack.use(await bench.startDispatcher({ signer: signer.target, projector: projection.target }));
const newItem = (changes: Partial<WorkItem> = {}) => bench.newItem({ webhookId, ...changes });
const newItems = (count: number, changes: Partial<WorkItem> = {}) =>
  Array.from({ length: count }, () => newItem(changes));
const terms = (changes: Partial<ReleaseTerms> = {}): ReleaseTerms => ({
  isProbe: false,
  circuitsClosed: 0,
  slot: undefined,
  ...changes,
});
const enqueueAll = (items: readonly WorkItem[], stream?: "DELIVER" | "RETRY") =>
  Promise.all(items.map((item) => bench.enqueue(item, stream)));
const ofWebhook = (kind: LogEvent["kind"], its = webhookId) =>
  bench.log.filter((event) => event.kind === kind && "webhookId" in event && event.webhookId === its);
const parkedFor = (reason: string, its = webhookId) =>
  ofWebhook("delivery.deferred", its).filter((event) => "reason" in event && event.reason === reason);
const arrivals = () => receiver.requests.map((request) => request.header("webhook-id"));

describe("a receiver that hangs", () => {
  // More hangs than there are slots: who shared them with it would wait for its time-outs.
  const [ROUNDS, HANGING_PER_ROUND] = [60, 12];

  it("does not hold up its neighbour, holds no more than its share, and has the rest of its work parked", async () => {
    const hanging = stack.use(await startReceiver({ script: [{ kind: "hang" }] }));
    const other = randomUUID() as WebhookId;
    await bench.writeWebhook(signer.target, { id: other, url: hanging.url });
    await start();
    const enqueuedAtMs = new Map<DeliveryId, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const items = newItems(5);
      for (const { deliveryId } of items) enqueuedAtMs.set(deliveryId, Date.now());
      await enqueueAll([...newItems(HANGING_PER_ROUND, { webhookId: other }), ...items]);
      await sleep(50);
    }
    await receiver.waitFor(300, 5_000);
    const latencies = receiver.requests
      .map((request) => request.arrivedAtMs - (enqueuedAtMs.get(request.header("webhook-id") as DeliveryId) ?? 0))
      .sort((left, right) => left - right);
    expect(latencies.at(-1)).toBeLessThan(1_000);
    await waitUntil(() => parkedFor("receiver_slow", other).length === ROUNDS * HANGING_PER_ROUND - 64);
    expect(hanging.requests).toHaveLength(64);
    expect(parkedFor("receiver_slow")).toEqual([]);
    expect(await bench.queued()).toBe(64);
  });
});

describe("a receiver that is well", () => {
  it("has nothing parked, however much more comes than the engine can take", async () => {
    await enqueueAll(newItems(2_000));
    await start();
    await receiver.waitFor(2_000, 20_000);
    await bench.worked();
    expect(ofWebhook("delivery.deferred")).toEqual([]);
    expect(ofWebhook("attempt.succeeded")).toHaveLength(2_000);
  });

  it("has nothing parked while nobody can sign", async () => {
    const passing = await bench.startSigner();
    await passing[Symbol.asyncDispose]();
    stack.use(await bench.startDispatcher({ signer: passing.target, projector: projection.target }));
    await enqueueAll(newItems(200));
    await sleep(2_500);
    stack.use(await bench.startSigner(Number(passing.target.split(":")[1])));
    await receiver.waitFor(200, 10_000);
    await bench.worked();
    expect(ofWebhook("delivery.deferred")).toEqual([]);
  });
});

describe("a circuit", () => {
  const failing = async () => {
    receiver.answerWith([500]);
    await start();
    await enqueueAll(newItems(20));
    await waitUntil(() => ofWebhook("circuit.opened").length > 0, { timeoutMs: 10_000 });
    await bench.worked();
  };

  it("opens after failures in a row; what comes then is parked and not sent; a probe closes it", async () => {
    await failing();
    expect(ofWebhook("circuit.opened")).toMatchObject([{ generation: 1, orgId: bench.orgId }]);
    const late = newItems(10);
    await enqueueAll(late);
    await waitUntil(() => parkedFor("circuit_open").length === 10);
    await bench.worked();
    expect(receiver.requests).toHaveLength(20);
    await bench.enqueue(newItem({ attempt: 2, terms: terms({ isProbe: true }) }), "RETRY");
    await receiver.waitFor(21);
    await bench.worked("RETRY");
    expect(ofWebhook("circuit.closed")).toEqual([]);
    receiver.answerWith([]);
    await bench.enqueue(newItem({ attempt: 2, terms: terms({ isProbe: true }) }), "RETRY");
    await waitUntil(() => ofWebhook("circuit.closed").length > 0);
    expect(ofWebhook("circuit.closed")).toMatchObject([{ generation: 1 }]);
    const after = newItem();
    await bench.enqueue(after);
    expect(await bench.logged(after.deliveryId)).toMatchObject([{ kind: "attempt.succeeded" }]);
  });

  it("is closed by word that it was closed elsewhere", async () => {
    await failing();
    receiver.answerWith([]);
    const released = newItem({ release: 1, terms: terms({ circuitsClosed: 1 }) });
    await bench.enqueue(released, "RETRY");
    expect(await bench.logged(released.deliveryId)).toMatchObject([{ kind: "attempt.succeeded" }]);
    const first = newItem();
    await bench.enqueue(first);
    expect(await bench.logged(first.deliveryId)).toMatchObject([{ kind: "attempt.succeeded" }]);
  });
});

describe("a rate-limited webhook", () => {
  const SLOT_MS = 20;

  it("gets each request in its slot, and parks what has missed it", async () => {
    await bench.writeWebhook(signer.target, { id: webhookId, url: receiver.url, rateLimit: 50 });
    await start();
    const beginMs = Date.now() + 700;
    const slots = Array.from({ length: 50 }, (_, at) => ({
      fromMs: beginMs + at * SLOT_MS,
      untilMs: beginMs + at * SLOT_MS + 1_000,
    }));
    const items = slots.map((slot) => newItem({ release: 1, terms: terms({ slot }) }));
    await enqueueAll(items.toReversed(), "RETRY");
    const missed = newItem({ release: 1, terms: terms({ slot: { fromMs: 1, untilMs: Date.now() - 1 } }) });
    await bench.enqueue(missed, "RETRY");
    await receiver.waitFor(50, 10_000);
    for (const [at, slot] of slots.entries()) {
      const request = receiver.requests.find((one) => one.header("webhook-id") === items[at]?.deliveryId);
      expect(request?.arrivedAtMs).toBeGreaterThanOrEqual(slot.fromMs);
      expect(request?.arrivedAtMs).toBeLessThan(slot.fromMs + 250);
    }
    expect(await bench.logged(missed.deliveryId)).toMatchObject([
      { kind: "delivery.deferred", reason: "rate_limited", release: 2 },
    ]);
    await bench.worked("RETRY");
  });

  it("has what was queued before parked, and so has an ordered one", async () => {
    await bench.writeWebhook(signer.target, { id: webhookId, url: receiver.url, rateLimit: 50 });
    await start();
    const first = newItem();
    await bench.enqueue(first);
    expect(await bench.logged(first.deliveryId)).toMatchObject([{ kind: "delivery.deferred", reason: "rate_limited" }]);
    await bench.writeWebhook(signer.target, { id: webhookId, url: receiver.url, ordered: true });
    await waitUntil(async () => {
      const next = newItem();
      await bench.enqueue(next);
      const [event] = await bench.logged(next.deliveryId);
      return event?.kind === "delivery.deferred" && event.reason === "ordered";
    });
    expect(receiver.requests).toEqual([]);
  });
});

describe("an ordered webhook", () => {
  const newRun = (length: number): readonly WorkItem[] => newItems(length, { release: 1, terms: terms() });
  const enqueueRun = async (items: readonly WorkItem[], changes: Partial<WorkItem> = {}) => {
    const [head, ...followers] = items.map((item) => ({ ...item, ...changes }));
    if (head !== undefined) await bench.enqueue({ ...head, followers }, "RETRY");
  };
  const ids = (items: readonly WorkItem[]) => items.map(({ deliveryId }) => deliveryId);

  beforeEach(async () => {
    await bench.writeWebhook(signer.target, { id: webhookId, url: receiver.url, ordered: true, retryDelaysS: [60] });
  });

  it("gets a run in its order, up to the first failure; the rest is parked behind it", async () => {
    receiver.answerWith((request) => ({ kind: "respond", status: request.index === 5 ? 500 : 200, delayMs: 5 }));
    await start();
    const run = newRun(10);
    await enqueueRun(run);
    await bench.worked("RETRY");
    expect(arrivals()).toEqual(ids(run.slice(0, 6)));
    expect(run.slice(0, 6).map(({ deliveryId }) => bench.eventsOf(deliveryId).map(({ kind }) => kind))).toEqual([
      ...run.slice(0, 5).map(() => ["attempt.succeeded"]),
      ["attempt.failed"],
    ]);
    for (const { deliveryId } of run.slice(6)) {
      expect(bench.eventsOf(deliveryId)).toMatchObject([
        { kind: "delivery.deferred", reason: "ordered", release: 2, attempt: 1 },
      ]);
    }
  });

  it("gets the rest of a run after its dispatcher has died over it, and nothing of it twice but what was under way", async () => {
    receiver.answerWith((request) => (request.index === 3 ? { kind: "hang" } : 200));
    const run = newRun(7);
    await enqueueRun(run);
    {
      await using _dying = await bench.startDispatcher({ signer: signer.target, projector: projection.target });
      await receiver.waitFor(4);
      await waitUntil(() => ofWebhook("attempt.succeeded").length === 3);
    }
    // Its lease would last: a consumer that knows of nobody hands it out at once.
    await bench.connection.manager.consumers.delete("RETRY", `dispatcher-retry-${bench.partition}`);
    await start();
    await bench.worked("RETRY");
    const order = ids(run);
    expect(arrivals()).toEqual([...order.slice(0, 4), ...order.slice(3)]);
    expect(run.map(({ deliveryId }) => bench.eventsOf(deliveryId).map(({ kind }) => kind))).toEqual(
      run.map(() => ["attempt.succeeded"]),
    );
  });

  it("gets nothing of a run whose rest was parked, when the run comes once more", async () => {
    receiver.answerWith([200, 500]);
    await start();
    const run = newRun(4);
    await enqueueRun(run);
    await bench.worked("RETRY");
    await enqueueRun(run, { possibleRepeat: true });
    await bench.worked("RETRY");
    expect(arrivals()).toEqual(ids(run.slice(0, 2)));
    expect(run.map(({ deliveryId }) => bench.eventsOf(deliveryId).length)).toEqual([1, 1, 1, 1]);
  });
});

describe("a receiver that is gone", () => {
  it("disables the webhook by its version, cancels what is pending, and gets requests again in a new version", async () => {
    receiver.answerWith([410]);
    const version = await bench.writeWebhook(signer.target, { id: webhookId, url: receiver.url });
    await start();
    const first = newItem();
    await bench.enqueue(first);
    await bench.logged(first.deliveryId, 2);
    expect(ofWebhook("webhook.disabled")).toMatchObject([{ reason: "gone", configVersion: version }]);
    const pending = newItem();
    await bench.enqueue(pending);
    expect(await bench.logged(pending.deliveryId)).toMatchObject([
      { kind: "delivery.cancelled", reason: "webhook_disabled" },
    ]);
    receiver.answerWith([]);
    await bench.writeWebhook(signer.target, { id: webhookId, url: receiver.url });
    await waitUntil(async () => {
      const item = newItem();
      await bench.enqueue(item);
      return (await bench.logged(item.deliveryId))[0]?.kind === "attempt.succeeded";
    });
    expect(ofWebhook("webhook.disabled")).toHaveLength(1);
  });
});
