import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureStreams, STREAM_BYTES_MAX_DEFAULT, streamPosition } from "@posthorn/message-bus";
import { keepStream, type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DispatcherBench, SECRET } from "./dispatcher.fixture.ts";
import { byTheLog } from "./settled.fixture.ts";

/** Of the lane for first attempts: an outcome that is not logged counts. */
const IN_HAND_MAX = 3_072;

let bench: DispatcherBench;
let signer: AsyncDisposable & { readonly target: string };
let projection: AsyncDisposable & { readonly target: string };
let receiver: Receiver;
let targets: { signer: string; projector: string };
/** Ends with each test, dispatchers first. */
let stack: AsyncDisposableStack;

beforeAll(async () => {
  bench = await DispatcherBench.start();
  signer = await bench.startSigner();
  projection = await bench.startProjection(byTheLog);
  targets = { signer: signer.target, projector: projection.target };
});
afterAll(async () => {
  await projection[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  receiver = stack.use(await startReceiver());
  await bench.writeWebhook(signer.target, { url: receiver.url });
});
afterEach(() => stack.disposeAsync());

const start = async () => stack.use(await bench.startDispatcher(targets));

describe("a dispatcher", () => {
  it("sends a signed request, logs what came of it, and takes the item from the stream", async () => {
    await start();
    const item = bench.newItem();
    await bench.enqueue(item);
    const [request] = await receiver.waitFor(1);
    const body = request?.body.toString() ?? "";
    expect(body).toContain('"data":{"big":123456789012345678901234567890}');
    const id = request?.header("webhook-id");
    expect(id).toBe(item.deliveryId);
    const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
    const signed = `${id}.${request?.header("webhook-timestamp")}.${body}`;
    expect(request?.header("webhook-signature")).toBe(
      `v1,${createHmac("sha256", key).update(signed).digest("base64")}`,
    );
    expect(await bench.logged(item.deliveryId)).toMatchObject([
      { kind: "attempt.succeeded", attempt: { number: 1, statusCode: 200, possibleRepeat: false } },
    ]);
    await bench.worked();
  });

  it("retries nothing itself: a failure is logged with the time of what follows", async () => {
    receiver.answerWith([500]);
    await start();
    const item = bench.newItem();
    await bench.enqueue(item);
    const [failed] = await bench.logged(item.deliveryId);
    expect(failed).toMatchObject({ kind: "attempt.failed", errorClass: "status", attempt: { statusCode: 500 } });
    expect(failed?.kind === "attempt.failed" && failed.nextAtMs).toBeGreaterThan(Date.now());
    await bench.worked();
    expect(receiver.requests).toHaveLength(1);
  });

  it("calls an attempt a possible repeat that went out twice, because a kept connection broke", async () => {
    receiver.answerWith([200, { kind: "reset" }, 200]);
    await start();
    const [first, second] = [bench.newItem(), bench.newItem()];
    await bench.enqueue(first);
    await bench.logged(first.deliveryId);
    await bench.enqueue(second);
    expect(await bench.logged(second.deliveryId)).toMatchObject([
      { kind: "attempt.succeeded", attempt: { number: 1, statusCode: 200, possibleRepeat: true } },
    ]);
    await bench.worked();
    expect(receiver.requests.map((request) => request.header("webhook-id"))).toEqual([
      first.deliveryId,
      second.deliveryId,
      second.deliveryId,
    ]);
  });

  it("keeps the item until the log has taken the outcome, however long that takes", async () => {
    await start();
    const resize = (bytes: number) =>
      ensureStreams(bench.connection, { replicas: 1, bytesMax: { ...STREAM_BYTES_MAX_DEFAULT, LOG: bytes } });
    await resize(1);
    const item = bench.newItem();
    await bench.enqueue(item);
    await receiver.waitFor(1);
    await sleep(500);
    expect(await bench.queued()).toBe(1);
    await resize(STREAM_BYTES_MAX_DEFAULT.LOG);
    await bench.logged(item.deliveryId);
    await bench.worked();
    expect(bench.eventsOf(item.deliveryId)).toHaveLength(1);
    expect(receiver.requests).toHaveLength(1);
  });

  it("begins nothing new when so many outcomes wait for a full log that its bound is reached, and sends each once", async () => {
    await start();
    const resize = (bytes: number) =>
      ensureStreams(bench.connection, { replicas: 1, bytesMax: { ...STREAM_BYTES_MAX_DEFAULT, LOG: bytes } });
    await resize(1);
    const items = Array.from({ length: IN_HAND_MAX + 100 }, () => bench.newItem());
    await Promise.all(items.map((item) => bench.enqueue(item)));
    await waitUntil(() => receiver.requests.length >= IN_HAND_MAX, { timeoutMs: 20_000 });
    await sleep(500);
    expect(receiver.requests).toHaveLength(IN_HAND_MAX);
    await resize(STREAM_BYTES_MAX_DEFAULT.LOG);
    await bench.worked();
    expect(receiver.requests).toHaveLength(items.length);
    expect(items.every((item) => bench.eventsOf(item.deliveryId).length === 1)).toBe(true);
  });

  it("sets aside what cannot be read, and goes on", async () => {
    await start();
    await bench.enqueueBytes(Buffer.from("no work item"));
    const item = bench.newItem();
    await bench.enqueue(item);
    await bench.logged(item.deliveryId);
    await bench.worked();
  });

  it("cancels what is pending for a deleted webhook", async () => {
    await bench.deleteWebhook();
    await start();
    const item = bench.newItem();
    await bench.enqueue(item);
    expect(await bench.logged(item.deliveryId)).toMatchObject([{ kind: "delivery.cancelled" }]);
    await bench.worked();
    expect(receiver.requests).toHaveLength(0);
  });

  it("parks what is pending for a paused webhook", async () => {
    await bench.writeWebhook(signer.target, { url: receiver.url, isActive: false });
    await start();
    const item = bench.newItem();
    await bench.enqueue(item);
    expect(await bench.logged(item.deliveryId)).toMatchObject([{ kind: "delivery.deferred", attempt: 1, release: 1 }]);
    await bench.worked();
    expect(receiver.requests).toHaveLength(0);
  });
});

describe("a payload that the item does not carry", () => {
  it("is read from its place, also of a stream that was made anew a moment ago", async () => {
    await start();
    for (const round of ["before", "after"]) {
      const event = bench.newEvent(JSON.stringify({ round, filler: "x".repeat(100_000) }));
      const item = bench.newItem({ event });
      await bench.enqueue({ ...item, place: await bench.store(event), event: undefined });
      expect(await bench.logged(item.deliveryId)).toMatchObject([{ kind: "attempt.succeeded" }]);
      expect(receiver.requests.at(-1)?.body.includes(Buffer.from(event.data))).toBe(true);
      await bench.connection.manager.streams.delete("INGEST");
      await ensureStreams(bench.connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
    }
  });

  it("is never mistaken for another one, when the stream lost its end and uses sequences again", async () => {
    await start();
    const big = (round: string) => bench.newEvent(JSON.stringify({ round, filler: "x".repeat(100_000) }));
    const kept = await keepStream(bench.nats, "INGEST", "all");
    await waitUntil(() => bench.connection.isConnected);
    const [lost, later] = [big("lost"), big("later")];
    const lostItem = { ...bench.newItem({ event: lost }), place: await bench.store(lost), event: undefined };
    await bench.enqueue(lostItem);
    expect(await bench.logged(lostItem.deliveryId)).toMatchObject([{ kind: "attempt.succeeded" }]);
    await kept.putBack();
    await waitUntil(() => bench.connection.isConnected);
    const laterItem = { ...bench.newItem({ event: later }), place: await bench.store(later), event: undefined };
    expect(laterItem.place).toEqual(lostItem.place);
    await bench.enqueue(laterItem);
    expect(await bench.logged(laterItem.deliveryId)).toMatchObject([{ kind: "attempt.succeeded" }]);
    expect(receiver.requests.at(-1)?.body.includes(Buffer.from(later.data))).toBe(true);
    await bench.enqueue({ ...lostItem, attempt: 2 });
    const [, end] = await bench.logged(lostItem.deliveryId, 2);
    expect(end).toMatchObject({ kind: "delivery.exhausted", reason: "payload_gone" });
    expect(receiver.requests).toHaveLength(2);
  });

  it("is not called gone at the first look: a server that lags may not know of it yet", async () => {
    await start();
    const { epochMs, lastSequence } = await streamPosition(bench.connection, "INGEST");
    const event = bench.newEvent();
    const item = { ...bench.newItem({ event }), place: { epochMs, sequence: lastSequence + 1, index: 0 } };
    await bench.enqueue({ ...item, event: undefined });
    await sleep(300);
    expect(await bench.store(event)).toEqual(item.place);
    expect(await bench.logged(item.deliveryId)).toMatchObject([{ kind: "attempt.succeeded" }]);
  });

  it("ends the delivery when it is gone, and never is another organisation's", async () => {
    await start();
    const [purged, stored] = [await bench.store(bench.newEvent()), await bench.store(bench.newEvent())];
    await bench.connection.manager.streams.purge("INGEST", { seq: stored.sequence });
    const gone = bench.newItem();
    await bench.enqueue({ ...gone, place: purged, event: undefined });
    expect(await bench.logged(gone.deliveryId)).toMatchObject([{ kind: "delivery.exhausted", reason: "payload_gone" }]);
    const foreign = { ...bench.newEvent(), orgId: bench.newEvent().id as unknown as typeof bench.orgId };
    const item = bench.newItem();
    await bench.enqueue({ ...item, place: await bench.store(foreign), event: undefined });
    expect(await bench.logged(item.deliveryId)).toMatchObject([{ kind: "delivery.exhausted", reason: "payload_gone" }]);
    expect(receiver.requests).toHaveLength(0);
  });
});

describe("while something else is down", () => {
  it("sends nothing unsigned, and everything when the signer is there", async () => {
    const passing = await bench.startSigner();
    await passing[Symbol.asyncDispose]();
    stack.use(await bench.startDispatcher({ ...targets, signer: passing.target }));
    const items = Array.from({ length: 20 }, () => bench.newItem());
    await Promise.all(items.map((item) => bench.enqueue(item)));
    await sleep(700);
    expect(receiver.requests).toHaveLength(0);
    stack.use(await bench.startSigner(Number(passing.target.split(":")[1])));
    await receiver.waitFor(20, 10_000);
    await bench.worked();
    for (const item of items) {
      expect(bench.eventsOf(item.deliveryId)).toMatchObject([{ attempt: { number: 1, possibleRepeat: false } }]);
    }
    expect(receiver.requests).toHaveLength(20);
  });

  it("sends and logs once when NATS is killed under the request and forgets the item", async () => {
    receiver.answerWith([{ kind: "respond", status: 200, delayMs: 2_000 }]);
    await start();
    const item = bench.newItem();
    await bench.enqueue(item);
    // So soon after it has handed the item out, the server has not written that down.
    await receiver.waitFor(1);
    await bench.restartNats();
    await bench.logged(item.deliveryId, 1, 20_000);
    await bench.worked();
    expect(bench.eventsOf(item.deliveryId)).toHaveLength(1);
    expect(receiver.requests).toHaveLength(1);
  });
});

describe("a stop", () => {
  it("hands back at once what waits for a signature, and somebody else sends it", async () => {
    const lonely = await bench.startDispatcher({ projector: targets.projector });
    const items = Array.from({ length: 30 }, () => bench.newItem());
    await Promise.all(items.map((item) => bench.enqueue(item)));
    await sleep(300);
    const startedMs = performance.now();
    await lonely[Symbol.asyncDispose]();
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await start();
    await receiver.waitFor(30, 5_000);
    await bench.worked();
    expect(receiver.requests).toHaveLength(30);
  });

  it("lets a request under way end, and logs it", async () => {
    receiver.answerWith([{ kind: "respond", status: 200, delayMs: 700 }]);
    const dispatcher = await bench.startDispatcher(targets);
    const item = bench.newItem();
    await bench.enqueue(item);
    await receiver.waitFor(1);
    await dispatcher[Symbol.asyncDispose]();
    await waitUntil(() => bench.eventsOf(item.deliveryId).length === 1);
    await bench.worked();
  });

  it("waits for neither lane longer than a process has to stop", async () => {
    receiver.answerWith([{ kind: "hang" }]);
    const dispatcher = await bench.startDispatcher(targets);
    const [first, released] = [bench.newItem(), bench.newItem({ attempt: 2 })];
    await bench.enqueue(first);
    await bench.enqueue(released, "RETRY");
    await receiver.waitFor(2);
    const startedMs = performance.now();
    await dispatcher[Symbol.asyncDispose]();
    expect(performance.now() - startedMs).toBeLessThan(7_000);
    expect(bench.eventsOf(first.deliveryId)).toEqual([]);
    expect(await bench.queued()).toBe(1);
  });
});
