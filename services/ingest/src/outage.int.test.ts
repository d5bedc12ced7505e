import type { OrgId } from "@posthorn/domain";
import { waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  openTestBus,
  publishOnStream,
  ROOT_KEY,
  startReadyIngest,
  type TestBus,
  type TestIngest,
} from "./ingest.fixture.ts";

/** What a publisher is promised when NATS does not answer. */
const UNAVAILABLE_MS_MAX = 3_000;

const EVENT = { type: "a", data: 1 };

describe("without NATS", () => {
  let bus: TestBus;
  let ingest: TestIngest;
  let org: OrgId;
  beforeEach(async () => {
    bus = await openTestBus();
    ingest = await startReadyIngest(bus.nats.url);
    org = await bus.createOrganisation();
    expect((await ingest.publish(org, EVENT)).status).toBe(202);
  });
  afterEach(async () => {
    await ingest[Symbol.asyncDispose]();
    await bus[Symbol.asyncDispose]();
  });

  const recovered = () =>
    waitUntil(async () => (await ingest.publish(org, EVENT)).status === 202, {
      describe: "ingest to accept again",
      timeoutMs: 15_000,
    });

  it("answers 503 at once when the server is gone, and recovers by itself", async () => {
    await bus.nats.server.stop();
    await waitUntil(async () => (await ingest.get("/readyz")).status === 503, { describe: "the loss to be noticed" });
    const startedAt = performance.now();
    const answer = await ingest.publish(org, EVENT);
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(answer).toMatchObject({ status: 503, body: { type: "urn:posthorn:problem:not_durable" } });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await ingest.publishBatch(org, [EVENT, EVENT])).toMatchObject({ status: 503 });
    const unknownKey = { authorization: "Bearer unknown" };
    expect(await ingest.publish(org, EVENT, unknownKey)).toMatchObject({ status: 503 });
    await bus.nats.server.restart();
    await recovered();
  });

  it("answers 503 within 3 s when the server hangs, to publishes and to unknown keys", async () => {
    await bus.nats.server.kill("SIGSTOP");
    const startedAt = performance.now();
    const answers = await Promise.all([
      ingest.publish(org, EVENT, { authorization: "Bearer unknown" }),
      ingest.publish(org, EVENT),
      ingest.publishBatch(org, Array(1_000).fill(EVENT)),
      // More lone events than may be on their way at once.
      ingest.publishBatch(
        org,
        Array.from({ length: 300 }, (_, index) => ({ ...EVENT, id: `hang-${index}` })),
      ),
    ]);
    expect(performance.now() - startedAt).toBeLessThan(UNAVAILABLE_MS_MAX);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    await bus.nats.server.kill("SIGCONT");
    await recovered();
    const again = await ingest.publish(org, { ...EVENT, id: "hang-7" });
    const first = (await bus.storedGroups()).flat().filter(({ callerId }) => callerId === "hang-7");
    expect(first.map(({ id }) => id)).toEqual([again.body.id]);
  });

  it("loses nothing it accepted when the server is killed again and again", async () => {
    const accepted: string[] = [];
    let isRunning = true;
    const publishing = Array.from({ length: 16 }, async (_, publisher) => {
      for (let round = 0; isRunning; round += 1) {
        const { status, body } = await ingest.publish(org, { type: "a", data: { publisher, round } });
        if (status === 202 && body.id !== undefined) accepted.push(body.id);
      }
    });
    for (let kill = 0; kill < 3; kill += 1) {
      const before = accepted.length;
      await waitUntil(() => accepted.length > before + 100, { describe: "100 events more", timeoutMs: 15_000 });
      await bus.nats.server.kill("SIGKILL");
      await bus.nats.server.restart();
    }
    isRunning = false;
    await Promise.all(publishing);
    await recovered();
    const stored = new Set<string>();
    for (const { id } of (await bus.storedGroups()).flat()) {
      expect(stored.has(id)).toBe(false);
      stored.add(id);
    }
    expect(accepted.filter((id) => !stored.has(id))).toEqual([]);
  });

  it("tells the events of a stream one by one, and the stream goes on", async () => {
    await bus.nats.server.stop();
    await waitUntil(async () => (await ingest.get("/readyz")).status === 503, { describe: "the loss to be noticed" });
    const event = { type: "a", data: Buffer.from("1"), id: "", timestamp: "" };
    const { answers, failure } = await publishOnStream(ingest.client, ROOT_KEY, [
      { requestId: 1, orgId: org, event },
      { requestId: 2, orgId: org, event },
    ]);
    expect(failure).toBeUndefined();
    expect(answers.map(({ result }) => result?.error?.code)).toEqual(["not_durable", "not_durable"]);
  });
});

describe("with a full stream", () => {
  it("answers 503, stores nothing, and accepts again when there is room", async () => {
    await using bus = await openTestBus();
    await using ingest = await startReadyIngest(bus.nats.url);
    const org = await bus.createOrganisation();
    await ingest.publish(org, EVENT);
    await bus.connection.manager.streams.update("INGEST", { max_bytes: 300 });
    const answer = await ingest.publish(org, { type: "a", data: "x".repeat(1_000) });
    expect(answer).toMatchObject({ status: 503, body: { type: "urn:posthorn:problem:stream_full" } });
    expect(answer.headers.get("retry-after")).not.toBeNull();
    expect((await bus.storedGroups()).flat()).toHaveLength(1);
    await bus.connection.manager.streams.purge("INGEST");
    expect((await ingest.publish(org, { type: "a", data: "y" })).status).toBe(202);
  });
});
