import { limits, type OrgId } from "@posthorn/domain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestBus, startReadyIngest, type TestBus, type TestIngest, type TestKey } from "./ingest.fixture.ts";

let bus: TestBus;
let ingest: TestIngest;
let org: OrgId;
let key: TestKey;
beforeAll(async () => {
  bus = await openTestBus();
  ingest = await startReadyIngest(bus.nats.url);
  org = await bus.createOrganisation();
  key = await bus.createKey(org);
});
afterAll(async () => {
  await ingest[Symbol.asyncDispose]();
  await bus[Symbol.asyncDispose]();
});

const stored = async (id: string | undefined) => (await bus.storedGroups()).flat().find((event) => event.id === id);

describe("POST /v1/orgs/{org}/events", () => {
  it("answers once the event is in the stream, data byte for byte", async () => {
    const data = '{"z" : 123456789012345678901234567890,\n "a":"\\u00e9\\/", "a":1.50 }';
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const body = `{"type":"agent.status", "data": ${data} ,"timestamp":"2026-03-24T13:37:00+01:00","id":"order-1"}`;
    const before = Date.now();
    const answer = await ingest.publish(org, body, { traceparent });
    expect(answer).toMatchObject({ status: 202, body: { duplicate: false } });
    const event = await stored(answer.body.id);
    expect(event).toMatchObject({
      orgId: org,
      type: "agent.status",
      data,
      timestamp: "2026-03-24T13:37:00+01:00",
      callerId: "order-1",
      traceparent,
    });
    expect(event?.acceptedAtMs).toBeGreaterThanOrEqual(before);
    expect(answer.body.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it("gives an event without a trace a new one", async () => {
    const answer = await ingest.publish(org, { type: "a", data: 1 }, { traceparent: "not-a-trace" });
    expect((await stored(answer.body.id))?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });

  it.each(["admin", "ci", "runtime"] as const)("lets a key of scope %s publish, in either header", async (scope) => {
    const { key: text } = await bus.createKey(org, scope);
    const event = { type: "a", data: 1 };
    expect(await ingest.publish(org, event, { authorization: `Bearer ${text}` })).toMatchObject({ status: 202 });
    const apiKey = { authorization: "", "x-api-key": text };
    expect(await ingest.publish(org, event, apiKey)).toMatchObject({ status: 202 });
  });

  it.each([
    ["no key", { authorization: "" }, "unauthenticated", 401],
    ["an unknown key", { authorization: "Bearer ph_sk_00" }, "unauthenticated", 401],
  ])("refuses %s", async (_what, headers, code, status) => {
    const answer = await ingest.publish(org, { type: "a", data: 1 }, headers);
    expect(answer).toMatchObject({ status, body: { type: `urn:posthorn:problem:${code}` } });
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
  });

  it("does not tell a foreign organisation from one that does not exist", async () => {
    const foreign = await bus.createOrganisation();
    const authorization = `Bearer ${key.key}`;
    const event = { type: "a", data: 1 };
    const known = await ingest.publish(foreign, event, { authorization });
    const unknown = await ingest.post("/v1/orgs/0199aaaa-0000-7000-8000-00000000dead/events", "{}", { authorization });
    const malformed = await ingest.post("/v1/orgs/acme/events", "{}", { authorization });
    expect(known.status).toBe(404);
    // The instance names the request, and nothing but it differs.
    for (const { body } of [unknown, malformed]) {
      expect(body).toEqual({ ...known.body, instance: expect.stringMatching(/^urn:posthorn:request:[0-9a-f-]{36}$/) });
    }
  });

  it.each([
    [400, "malformed_json", "{"],
    [400, "malformed_json", ""],
    [400, "duplicate_member", '{"type":"a","type":"b","data":1}'],
    [413, "event_too_large", `{"type":"a","data":"${"x".repeat(limits.EVENT_DATA_BYTES_MAX)}"}`],
    [422, "invalid_event", '{"type":"a","data":1,"unknown":true}'],
    [422, "invalid_event", '{"type":"a"}'],
  ])("refuses with %i %s", async (status, code, body) => {
    const answer = await ingest.publish(org, body);
    expect(answer).toMatchObject({ status, body: { status, type: `urn:posthorn:problem:${code}` } });
  });

  it("refuses what is not UTF-8, a body far too large, and other content types", async () => {
    const path = `/v1/orgs/${org}/events`;
    const invalid = Buffer.concat([Buffer.from('{"type":"a","data":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(await ingest.post(path, invalid)).toMatchObject({ status: 400 });
    expect(await ingest.post(path, Buffer.alloc(1024 * 1024, " "))).toMatchObject({ status: 413 });
    expect(await ingest.post(path, "a=1", { "content-type": "text/plain" })).toMatchObject({ status: 415 });
  });

  it("says where an event is wrong", async () => {
    const { body } = await ingest.publish(org, { type: "a b", data: 1, id: 7 });
    expect(body.errors?.map(({ path }) => path)).toEqual(["/id"]);
    expect(body.detail).toBe("The event's id must be a string, or absent.");
  });

  it("takes the largest event", async () => {
    const data = "x".repeat(limits.EVENT_DATA_BYTES_MAX - 2);
    const answer = await ingest.publish(org, { type: "a", data });
    expect(answer.status).toBe(202);
    expect((await stored(answer.body.id))?.data).toBe(JSON.stringify(data));
  });

  it("refuses an id and an Idempotency-Key that differ", async () => {
    const event = { type: "a", data: 1, id: "x" };
    expect(await ingest.publish(org, event, { "idempotency-key": "y" })).toMatchObject({
      status: 422,
      body: { type: "urn:posthorn:problem:conflicting_ids" },
    });
    expect(await ingest.publish(org, event, { "idempotency-key": "é" })).toMatchObject({
      status: 422,
      body: { type: "urn:posthorn:problem:invalid_idempotency_key" },
    });
  });
});

describe("POST /v1/orgs/{org}/events/batch", () => {
  it("stores the events of a batch together and answers in order", async () => {
    const events = Array.from({ length: 100 }, (_, index) => ({ type: "batch.item", data: { index } }));
    const messagesBefore = await ingest.metric("ingest_messages_total");
    const { status, body } = await ingest.publishBatch(org, events);
    expect(status).toBe(202);
    expect((await ingest.metric("ingest_messages_total")) - messagesBefore).toBe(1);
    const group = (await bus.storedGroups()).at(-1) ?? [];
    expect(group.map(({ data }) => data)).toEqual(events.map(({ data }) => JSON.stringify(data)));
    expect(body.results?.map(({ id }) => id)).toEqual(group.map(({ id }) => id));
  });

  it("gives every event its own answer", async () => {
    const { status, body } = await ingest.publishBatch(org, [
      { type: "a", data: 1, id: "in-batch" },
      { type: "a" },
      { type: "a", data: 2, id: "in-batch" },
      { type: "a", data: "x".repeat(limits.EVENT_DATA_BYTES_MAX) },
    ]);
    expect(status).toBe(202);
    const [first, second, third, fourth] = body.results ?? [];
    expect(first).toMatchObject({ duplicate: false });
    expect(second).toMatchObject({ error: { code: "invalid_event" } });
    expect(third).toEqual({ id: first?.id, duplicate: true });
    expect(fourth).toMatchObject({ error: { code: "event_too_large" } });
  });

  it("is refused when none of its events can be accepted", async () => {
    const { status, body } = await ingest.publishBatch(org, [{ type: "a" }, { data: 1 }]);
    expect(status).toBe(422);
    expect(body.errors?.map(({ path }) => path)).toEqual(["/events/0/data", "/events/1/type"]);
  });

  it("is harmless to repeat under one Idempotency-Key", async () => {
    const events = [
      { type: "a", data: 1 },
      { type: "a", data: 1 },
    ];
    const first = await ingest.publishBatch(org, events, { "idempotency-key": "batch-1" });
    const again = await ingest.publishBatch(org, events, { "idempotency-key": "batch-1" });
    expect(again.body.results).toEqual(first.body.results?.map((result) => ({ ...result, duplicate: true })));
    expect(new Set(first.body.results?.map(({ id }) => id)).size).toBe(2);
  });

  it.each([
    [413, Buffer.alloc(limits.BATCH_BYTES_MAX + 1, " ")],
    [422, '{"events":[]}'],
    [422, `{"events":[${Array(limits.BATCH_EVENTS_MAX + 1).fill('{"type":"a","data":1}')}]}`],
    [400, '{"events":['],
  ])("refuses with %i what breaks its limits", async (status, body) => {
    expect(await ingest.post(`/v1/orgs/${org}/events/batch`, body)).toMatchObject({ status });
  });

  it("cuts what is too large for one message into several", async () => {
    const large = { type: "a", data: "x".repeat(200 * 1024) };
    const messagesBefore = await ingest.metric("ingest_messages_total");
    const { body } = await ingest.publishBatch(org, Array(10).fill(large));
    expect(body.results?.every(({ duplicate }) => duplicate === false)).toBe(true);
    // Three of them fit into 3/4 of 1 MiB.
    expect((await ingest.metric("ingest_messages_total")) - messagesBefore).toBe(4);
  });
});
