import { promisify } from "node:util";
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { PublishBatchRequest, PublishBatchResponse, PublishRequest, PublishResponse } from "@posthorn/contracts";
import { limits, type OrgId } from "@posthorn/domain";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  metadataWith,
  newOrgId,
  openTestBus,
  publishOnStream,
  ROOT_KEY,
  startReadyIngest,
  type TestBus,
  type TestIngest,
} from "./ingest.fixture.ts";

let bus: TestBus;
let ingest: TestIngest;
let org: OrgId;
beforeAll(async () => {
  bus = await openTestBus();
  ingest = await startReadyIngest(bus.nats.url);
  org = await bus.createOrganisation();
});
afterAll(async () => {
  await ingest[Symbol.asyncDispose]();
  await bus[Symbol.asyncDispose]();
});

const event = (data: string, changes: { id?: string; type?: string } = {}) => ({
  type: "agent.status",
  data: Buffer.from(data),
  id: "",
  timestamp: "",
  ...changes,
});

function publish(request: PublishRequest, metadata = metadataWith(ROOT_KEY)): Promise<PublishResponse> {
  const call = ingest.client.publish.bind(ingest.client);
  return promisify<PublishRequest, Metadata, PublishResponse>(call)(request, metadata);
}

function publishBatch(request: PublishBatchRequest): Promise<PublishBatchResponse> {
  const call = ingest.client.publishBatch.bind(ingest.client);
  return promisify<PublishBatchRequest, Metadata, PublishBatchResponse>(call)(request, metadataWith(ROOT_KEY));
}

const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: ServiceError) => ({ code: error.code, details: error.details }),
  );

describe("Publish", () => {
  it("stores the event with its trace and answers its id", async () => {
    const metadata = metadataWith(undefined);
    metadata.set("x-api-key", (await bus.createKey(org)).key);
    metadata.set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    const data = ' {"b":123456789012345678901234567890, "a":1}';
    const { id, duplicate } = await publish({ orgId: org, event: event(data, { id: "grpc-1" }) }, metadata);
    expect(duplicate).toBe(false);
    const [stored] = (await bus.storedGroups()).at(-1) ?? [];
    expect(stored).toMatchObject({ id, data, callerId: "grpc-1" });
    expect(stored?.traceparent).toContain("4bf92f3577b34da6a3ce929d0e0e4736");
    const again = await publish({ orgId: org, event: event("2", { id: "grpc-1" }) });
    expect(again).toEqual({ id, duplicate: true });
  });

  it.each([
    ["no key", status.UNAUTHENTICATED, "unauthenticated", { metadata: metadataWith(undefined) }],
    ["an unknown key", status.UNAUTHENTICATED, "unauthenticated", { metadata: metadataWith("unknown") }],
    ["an unknown organisation", status.NOT_FOUND, "unknown_organisation", { orgId: newOrgId() }],
    ["a wrong type", status.INVALID_ARGUMENT, "invalid_event", { event: event("1", { type: "a b" }) }],
    ["no event", status.INVALID_ARGUMENT, "invalid_event", { event: undefined }],
    ["malformed data", status.INVALID_ARGUMENT, "malformed_json", { event: event("{") }],
  ])("refuses %s with a status that begins with the code", async (_what, code, refusal, changes) => {
    const { metadata, ...request } = { metadata: metadataWith(ROOT_KEY), orgId: org, event: event("1"), ...changes };
    expect(await failureOf(publish(request, metadata))).toEqual({
      code,
      details: expect.stringMatching(`^${refusal}: `),
    });
  });
});

describe("PublishBatch", () => {
  it("answers every event in order, whatever is wrong with the others", async () => {
    const events = [event("1"), event("{"), event("2", { id: "b" }), event("3", { id: "b" })];
    const { results } = await publishBatch({ orgId: org, events });
    expect(results.map(({ error }) => error?.code)).toEqual([undefined, "malformed_json", undefined, undefined]);
    expect(results[3]).toMatchObject({ id: results[2]?.id, duplicate: true });
  });

  it("takes 4 MiB, and refuses more and too many events", async () => {
    const large = event(`"${"x".repeat(limits.EVENT_DATA_BYTES_MAX - 2)}"`);
    const { results } = await publishBatch({ orgId: org, events: Array(16).fill(large) });
    expect(results.every(({ error }) => error === undefined)).toBe(true);
    expect(await failureOf(publishBatch({ orgId: org, events: Array(17).fill(large) }))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching("^batch_too_large: "),
    });
    const many = Array(limits.BATCH_EVENTS_MAX + 1).fill(event("1"));
    expect(await failureOf(publishBatch({ orgId: org, events: many }))).toMatchObject({
      details: expect.stringMatching("^invalid_batch: "),
    });
  });
});

describe("PublishStream", () => {
  it("acknowledges 10,000 events, each stored once and in order", async () => {
    const quiet = await bus.createOrganisation();
    const count = 10_000;
    const requests = Array.from({ length: count }, (_, index) => ({
      requestId: index,
      orgId: quiet,
      // An event with an id of its own travels alone, which must not change the order.
      event: event(String(index), index % 100 === 0 ? { id: `of-10000-${index}` } : {}),
    }));
    const { answers, failure } = await publishOnStream(ingest.client, ROOT_KEY, requests);
    expect(failure).toBeUndefined();
    const idOf = new Map(answers.map(({ requestId, result }) => [requestId, result?.id]));
    expect(idOf.size).toBe(count);
    const stored = (await bus.storedGroups()).flat().filter(({ orgId }) => orgId === quiet);
    expect(stored.map(({ data }) => data)).toEqual(requests.map((_, index) => String(index)));
    expect(stored.map(({ id }) => id)).toEqual(requests.map(({ requestId }) => idOf.get(requestId)));
  });

  it("takes batches, answers each in its order, and keeps the order of all", async () => {
    const quiet = await bus.createOrganisation();
    const [messages, size] = [50, 40];
    const dataOf = (message: number) => Array.from({ length: size }, (_, index) => String(message * size + index));
    const requests = Array.from({ length: messages }, (_, message) => ({
      requestId: message,
      orgId: quiet,
      event: undefined,
      batch: { events: dataOf(message).map((data) => event(data)) },
    }));
    const { answers, failure } = await publishOnStream(ingest.client, ROOT_KEY, requests);
    expect(failure).toBeUndefined();
    const idsOf = new Map(answers.map(({ requestId, batch }) => [requestId, batch?.results.map(({ id }) => id)]));
    const stored = (await bus.storedGroups()).flat().filter(({ orgId }) => orgId === quiet);
    expect(stored.map(({ data }) => data)).toEqual(requests.flatMap((_, message) => dataOf(message)));
    expect(stored.map(({ id }) => id)).toEqual(requests.flatMap(({ requestId }) => idsOf.get(requestId)));
  });

  it("refuses an event of a batch alone, and a batch that is unsound as a whole", async () => {
    const batch = (...events: ReturnType<typeof event>[]) => ({ orgId: org, event: undefined, batch: { events } });
    const { answers, failure } = await publishOnStream(ingest.client, ROOT_KEY, [
      { requestId: 1, ...batch(event("1"), event("{")) },
      { requestId: 2, ...batch() },
      { requestId: 3, ...batch(...Array(limits.BATCH_EVENTS_MAX + 1).fill(event("1"))) },
      { requestId: 4, ...batch(event("1")), event: event("1") },
      { requestId: 5, ...batch(event("1")), orgId: newOrgId() },
    ]);
    expect(failure).toBeUndefined();
    const codesOf = new Map(
      answers.map(({ requestId, result, batch: answered }) => [
        requestId,
        result?.error?.code ?? answered?.results.map(({ error }) => error?.code),
      ]),
    );
    expect(codesOf).toEqual(
      new Map<number, unknown>([
        [1, [undefined, "malformed_json"]],
        [2, "invalid_batch"],
        [3, "invalid_batch"],
        [4, "invalid_batch"],
        [5, "unknown_organisation"],
      ]),
    );
  });

  it("goes on behind an event that is refused", async () => {
    const { answers, failure } = await publishOnStream(ingest.client, ROOT_KEY, [
      { requestId: 1, orgId: org, event: event("{") },
      { requestId: 2, orgId: newOrgId(), event: event("1") },
      { requestId: 3, orgId: org, event: undefined },
      { requestId: 4, orgId: org, event: event("1") },
    ]);
    expect(failure).toBeUndefined();
    const codes = new Map(answers.map(({ requestId, result }) => [requestId, result?.error?.code]));
    expect(codes).toEqual(
      new Map([
        [1, "malformed_json"],
        [2, "unknown_organisation"],
        [3, "invalid_event"],
        [4, undefined],
      ]),
    );
  });

  it("ends at once without a key, and refuses every event of an unknown one", async () => {
    const requests = [{ requestId: 1, orgId: org, event: event("1") }];
    const keyless = await publishOnStream(ingest.client, undefined, requests);
    expect(keyless.failure?.code).toBe(status.UNAUTHENTICATED);
    const unknown = await publishOnStream(ingest.client, "unknown", requests);
    expect(unknown.answers.map(({ result }) => result?.error?.code)).toEqual(["unauthenticated"]);
  });

  it("stops a key in the middle of its stream when it is revoked", async () => {
    const key = await bus.createKey(org);
    const call = ingest.client.publishStream(metadataWith(key.key));
    const codes: (string | undefined)[] = [];
    call.on("data", ({ result }) => codes.push(result?.error?.code));
    const send = () => call.write({ requestId: 1, orgId: org, event: event("1") });
    send();
    await waitUntil(() => codes.length === 1, { describe: "the first answer" });
    await bus.revoke(org, key);
    await waitUntil(() => send() && codes.at(-1) === "unauthenticated", { describe: "a refusal", timeoutMs: 1_000 });
    expect(codes[0]).toBeUndefined();
    call.end();
  });

  it.each([1, 10])(
    "reads no further while its window is full, so that a publisher who takes no answers waits: messages of %i",
    async (size) => {
      const call = ingest.client.publishStream(metadataWith(ROOT_KEY));
      const count = 20_000;
      const events = Array(size).fill(event("1"));
      const what = size === 1 ? { event: event("1") } : { event: undefined, batch: { events } };
      call.once("data", () => call.pause());
      call.on("error", () => {});
      const acceptedBefore = await ingest.metric("ingest_events_accepted_total");
      for (let sent = 0; sent < count; sent += size) call.write({ requestId: sent, orgId: org, ...what });
      const acceptedCount = () => ingest.metric("ingest_events_accepted_total");
      let last = -1;
      await waitUntil(
        async () => {
          const now = await acceptedCount();
          const isStill = now === last;
          last = now;
          return isStill;
        },
        { describe: "ingest to stop reading", everyMs: 500, timeoutMs: 20_000 },
      );
      expect(last - acceptedBefore).toBeGreaterThan(100);
      expect(last - acceptedBefore).toBeLessThan(count / 2);
      call.cancel();
      await waitUntil(async () => (await ingest.metric("ingest_streams_open")) === 0, {
        describe: "the stream to close",
      });
    },
  );
});

describe("the end of ingest", () => {
  it("answers what it has read and ends the streams", async () => {
    const stopping = await startReadyIngest(bus.nats.url);
    const call = stopping.client.publishStream(metadataWith(ROOT_KEY));
    const answers: number[] = [];
    let failure: ServiceError | undefined;
    call.on("data", ({ requestId }) => answers.push(requestId));
    call.on("error", (error: ServiceError) => {
      failure = error;
    });
    call.write({ requestId: 1, orgId: org, event: event("1") });
    await waitUntil(() => answers.length === 1, { describe: "the first answer" });
    await stopping[Symbol.asyncDispose]();
    expect(failure).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("stopping") });
  });
});
