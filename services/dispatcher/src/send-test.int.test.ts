import { setTimeout as sleep } from "node:timers/promises";
import {
  DispatchServiceClient,
  eventFactsToWire,
  logEventFromWire,
  type SendTestResponse,
  workItemToWire,
} from "@posthorn/contracts";
import type { WorkItem } from "@posthorn/domain";
import { callUnary, createGrpcClient, GrpcStatus } from "@posthorn/service-runtime";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DispatcherBench } from "./dispatcher.fixture.ts";
import { byTheLog } from "./settled.fixture.ts";

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

async function start(changes: Partial<typeof targets> = {}) {
  const dispatcher = stack.use(await bench.startDispatcher({ ...targets, ...changes }));
  const client = createGrpcClient(DispatchServiceClient, dispatcher.target);
  stack.defer(() => client.close());
  const ask = async (item: WorkItem, options: { deadlineMs?: number; signal?: AbortSignal } = {}) => {
    const { eventType: type, acceptedAtMs, place, traceparent } = item;
    const facts = { type, timestamp: undefined, acceptedAtMs, callerId: undefined, place, traceparent };
    const request = { item: workItemToWire(item), event: eventFactsToWire(facts) };
    const response = await callUnary<typeof request, SendTestResponse>(client.sendTest.bind(client), request, {
      deadlineMs: 10_000,
      ...options,
    });
    return { events: response.events.map(logEventFromWire), refusal: response.refusal };
  };
  return { dispatcher, ask };
}

const kindsOf = (item: WorkItem) => bench.eventsOf(item.deliveryId).map(({ kind }) => kind);

describe("a test send", () => {
  it("is one signed request, answered with what the log has of it", async () => {
    receiver.answerWith([{ kind: "respond", status: 201, body: "welcome" }]);
    const { ask } = await start();
    const item = bench.newItem();
    const answer = await ask(item);
    expect(answer).toMatchObject({
      refusal: "",
      events: [
        { kind: "delivery.created", origin: { kind: "test" } },
        { kind: "attempt.succeeded", attempt: { test: true, statusCode: 201 } },
      ],
    });
    expect(await bench.logged(item.deliveryId, 2)).toEqual(answer.events);
    expect(receiver.requests).toHaveLength(1);
    expect(receiver.requests[0]?.header("webhook-id")).toBe(item.deliveryId);
    expect(receiver.requests[0]?.header("webhook-signature")).toMatch(/^v1,/);
  });

  it("is logged as created before the receiver has answered, and never retried when it fails", async () => {
    receiver.answerWith([{ kind: "respond", status: 503, delayMs: 300 }]);
    const { ask } = await start();
    const item = bench.newItem();
    const answer = ask(item);
    await receiver.waitFor(1);
    await waitUntil(() => kindsOf(item).includes("delivery.created"), { timeoutMs: 250 });
    expect(kindsOf(item)).toEqual(["delivery.created"]);
    expect((await answer).events).toMatchObject([
      {},
      { kind: "attempt.failed", nextAtMs: undefined, attempt: { statusCode: 503 } },
      { kind: "delivery.exhausted", reason: "attempts_exhausted" },
    ]);
    await sleep(200);
    expect(receiver.requests).toHaveLength(1);
  });

  it("is made of a paused webhook too", async () => {
    await bench.writeWebhook(signer.target, { url: receiver.url, isActive: false });
    const { ask } = await start();
    expect(await ask(bench.newItem())).toMatchObject({ refusal: "", events: [{}, { kind: "attempt.succeeded" }] });
  });

  it("goes to the webhook as its caller has just left it", async () => {
    await bench.writeWebhook(signer.target, { url: "http://127.0.0.1:1/" });
    const { ask } = await start();
    const { last_seq: revision } = (await bench.connection.manager.streams.info("KV_config")).state;
    const answer = ask(bench.newItem({ configRevision: revision + 1 }));
    await bench.writeWebhook(signer.target, { url: receiver.url });
    expect((await answer).events).toMatchObject([{}, { kind: "attempt.succeeded" }]);
    expect(receiver.requests).toHaveLength(1);
  });

  it("is refused for a deleted webhook, and for one that nobody knows", async () => {
    const { ask } = await start();
    const unknown = bench.newItem();
    const other = { ...unknown, webhookId: unknown.orgId as unknown as WorkItem["webhookId"] };
    expect(await ask(other)).toEqual({ events: [], refusal: "webhook_unknown" });
    await bench.deleteWebhook();
    const { last_seq: revision } = (await bench.connection.manager.streams.info("KV_config")).state;
    const deleted = bench.newItem({ configRevision: revision });
    expect(await ask(deleted)).toEqual({ events: [], refusal: "webhook_deleted" });
    expect([...kindsOf(unknown), ...kindsOf(deleted)]).toEqual([]);
  });

  it("says what is wrong with a call that it cannot read", async () => {
    const { ask } = await start();
    await expect(ask({ ...bench.newItem(), event: undefined })).rejects.toMatchObject({
      code: GrpcStatus.INVALID_ARGUMENT,
      details: "item.event is missing.",
    });
  });
});

describe("a caller that gives up", () => {
  it("leaves a test behind that is logged to its end", async () => {
    receiver.answerWith([{ kind: "respond", status: 500, delayMs: 400 }]);
    const { ask } = await start();
    const item = bench.newItem();
    const controller = new AbortController();
    const answer = ask(item, { signal: controller.signal });
    await receiver.waitFor(1);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ code: GrpcStatus.CANCELLED });
    await bench.logged(item.deliveryId, 3);
    expect(kindsOf(item)).toEqual(["delivery.created", "attempt.failed", "delivery.exhausted"]);
  });

  it("stops a test that only waits, at the deadline, and nothing of it is logged", async () => {
    const { ask } = await start({ signer: "127.0.0.1:1" });
    const item = bench.newItem();
    const tooFar = bench.newItem({ configRevision: 1_000_000 });
    const deadline = { code: GrpcStatus.DEADLINE_EXCEEDED };
    await Promise.all(
      [item, tooFar].map((one) => expect(ask(one, { deadlineMs: 300 })).rejects.toMatchObject(deadline)),
    );
    await sleep(200);
    expect([...kindsOf(item), ...kindsOf(tooFar)]).toEqual([]);
    expect(receiver.requests).toHaveLength(0);
  });
});

describe("many tests at once", () => {
  it("are refused beyond a bound, and take no place from real work", async () => {
    receiver.answerWith(({ body }) => ({
      kind: "respond",
      status: 200,
      delayMs: body.includes("test") ? 1_000 : 0,
    }));
    const { ask } = await start();
    const tests = Array.from({ length: 33 }, () => ask(bench.newItem({ event: bench.newEvent('"test"') })));
    await receiver.waitFor(32);
    const item = bench.newItem();
    await bench.enqueue(item);
    expect(await bench.logged(item.deliveryId, 1, 900)).toMatchObject([{ kind: "attempt.succeeded" }]);
    const refusals = (await Promise.all(tests)).map(({ refusal }) => refusal);
    expect(refusals.filter((refusal) => refusal === "busy")).toHaveLength(1);
    expect(refusals.filter((refusal) => refusal === "")).toHaveLength(32);
  });
});

describe("a dispatcher that stops", () => {
  it("ends a test whose receiver does not answer, and logs that it did", async () => {
    receiver.answerWith([{ kind: "hang" }]);
    const { dispatcher, ask } = await start();
    const item = bench.newItem();
    const answer = ask(item, { deadlineMs: 20_000 }).catch((error: unknown) => error);
    await receiver.waitFor(1);
    const startedAtMs = performance.now();
    await dispatcher[Symbol.asyncDispose]();
    expect(performance.now() - startedAtMs).toBeLessThan(9_000);
    await answer;
    expect(await bench.logged(item.deliveryId, 3)).toMatchObject([
      { kind: "delivery.created" },
      { kind: "attempt.failed", errorClass: "reset", attempt: { test: true } },
      { kind: "delivery.exhausted" },
    ]);
  });
});
