import type { OrgId } from "@posthorn/domain";
import { ensureStreams, STREAM_BYTES_MAX_DEFAULT, streamPosition } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestBus, startReadyIngest, type TestBus, type TestIngest } from "./ingest.fixture.ts";

let bus: TestBus;
let one: TestIngest;
let other: TestIngest;
let org: OrgId;
beforeAll(async () => {
  bus = await openTestBus();
  [one, other] = await Promise.all([startReadyIngest(bus.nats.url), startReadyIngest(bus.nats.url)]);
  org = await bus.createOrganisation();
});
afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  await bus[Symbol.asyncDispose]();
});

const event = (id: string, data: unknown = 1) => ({ type: "a", data, id });
const storedUnder = async (callerId: string) =>
  (await bus.storedGroups()).flat().filter((stored) => stored.callerId === callerId && stored.orgId === org);

describe("an event with the caller's own id", () => {
  it("is stored once, alone in its message, and the first body wins", async () => {
    const first = await one.publish(org, event("x", "first"));
    const again = await one.publish(org, event("x", "second"));
    expect(first.body).toMatchObject({ duplicate: false });
    expect(again).toMatchObject({ status: 202, body: { id: first.body.id, duplicate: true } });
    expect(await storedUnder("x")).toMatchObject([{ id: first.body.id, data: '"first"' }]);
    expect((await bus.storedGroups()).every((group) => group.length === 1)).toBe(true);
  });

  it("is recognised by another instance, which answers the first one's id", async () => {
    const first = await one.publish(org, event("across"));
    const again = await other.publish(org, event("across"));
    expect(again.body).toEqual({ id: first.body.id, duplicate: true });
  });

  it("is not stored again when the first one can no longer be read, whose id nobody knows then", async () => {
    await one.publish(org, event("gone"));
    const { lastSequence } = await streamPosition(bus.connection, "INGEST");
    await bus.connection.manager.streams.deleteMessage("INGEST", lastSequence);
    const again = await other.publish(org, event("gone"));
    expect(again).toMatchObject({ status: 409, body: { type: "urn:posthorn:problem:duplicate_unreadable" } });
    expect((await streamPosition(bus.connection, "INGEST")).lastSequence).toBe(lastSequence);
  });

  it("is stored once however many publish it at once, on two instances", async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? one : other).publish(org, event("race", index))),
    );
    const [stored, ...more] = await storedUnder("race");
    expect(more).toEqual([]);
    expect(new Set(answers.map(({ body }) => body.id))).toEqual(new Set([stored?.id]));
    expect(answers.filter(({ body }) => body.duplicate === false)).toHaveLength(1);
  });

  it("does not meet that of another organisation, nor an Idempotency-Key of the same text", async () => {
    const neighbour = await bus.createOrganisation();
    const answers = [
      await one.publish(org, event("same")),
      await one.publish(neighbour, event("same")),
      await one.publish(org, { type: "a", data: 1 }, { "idempotency-key": "same" }),
    ];
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(3);
    expect(answers.map(({ body }) => body.duplicate)).toEqual([false, false, false]);
  });
});

describe("after the connection was lost", () => {
  it("asks the stream again, which may have lost what was remembered, and stores it as the same event", async () => {
    await using own = await openTestBus();
    await using ingest = await startReadyIngest(own.nats.url);
    const organisation = await own.createOrganisation();
    const first = await ingest.publish(organisation, event("x"));
    await own.connection.manager.streams.delete("INGEST");
    await own.nats.server.restart();
    await waitUntil(() => own.connection.isConnected, { describe: "the test to be connected" });
    await ensureStreams(own.connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
    const again = await waitUntil(
      async () => {
        const answer = await ingest.publish(organisation, event("x"));
        return answer.status === 202 ? answer : undefined;
      },
      { describe: "ingest to accept again", timeoutMs: 15_000 },
    );
    const stored = (await own.storedGroups()).flat();
    expect(stored.map(({ id }) => id)).toEqual([first.body.id]);
    expect(again.body.id).toBe(first.body.id);
  });
});

describe("an Idempotency-Key", () => {
  it("makes a repeat harmless on every instance", async () => {
    const header = { "idempotency-key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"' };
    const first = await one.publish(org, { type: "a", data: 1 }, header);
    const again = await other.publish(org, { type: "a", data: 1 }, header);
    expect(again.body).toEqual({ id: first.body.id, duplicate: true });
  });
});

describe("group commit", () => {
  it("lets concurrent requests share messages, and stores each event once", async () => {
    const quiet = await bus.createOrganisation();
    const messagesBefore = await one.metric("ingest_messages_total");
    const rounds = Array.from({ length: 64 }, async (_, publisher) => {
      const ids: (string | undefined)[] = [];
      for (let round = 0; round < 20; round += 1) {
        ids.push((await one.publish(quiet, { type: "a", data: { publisher, round } })).body.id);
      }
      return ids;
    });
    const ids = (await Promise.all(rounds)).flat();
    const stored = (await bus.storedGroups()).flat().filter(({ orgId }) => orgId === quiet);
    expect(stored.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const messages = (await one.metric("ingest_messages_total")) - messagesBefore;
    expect(ids.length / messages).toBeGreaterThan(4);
  });

  it("does not hold an event back when nothing else comes", async () => {
    const durations: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      const startedAt = performance.now();
      await one.publish(org, { type: "a", data: round });
      durations.push(performance.now() - startedAt);
    }
    // A wait for company would show in the shortest one, too; a busy machine does not.
    expect(Math.min(...durations)).toBeLessThan(5);
  });
});
