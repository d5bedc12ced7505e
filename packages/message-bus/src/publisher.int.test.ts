import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes, openTestBus, type TestBus } from "./bus.fixture.ts";
import { Publisher } from "./publisher.ts";
import { ensureStreams, lastSequenceOf, messageAt, STREAM_BYTES_MAX_DEFAULT, streamPosition } from "./streams.ts";

describe("Publisher", () => {
  let bus: TestBus;
  beforeAll(async () => {
    bus = await openTestBus();
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  it("answers with the sequence, and says when the id is known already", async () => {
    const request = { subject: "log.1", payload: bytes("one"), id: "same" };
    const first = await bus.publisher.publish(request);
    const second = await bus.publisher.publish({ ...request, payload: bytes("two") });
    expect(first).toMatchObject({ kind: "stored", duplicate: false });
    expect(second).toEqual({
      kind: "stored",
      sequence: first.kind === "stored" ? first.sequence : -1,
      duplicate: true,
    });
  });

  it("keeps the order of one subject while many publishes are in flight", async () => {
    const requests = Array.from({ length: 3_000 }, (_, index) => ({
      subject: "log.2",
      payload: bytes(String(index)),
      id: undefined,
    }));
    const published = await Promise.all(requests.map((request) => bus.publisher.publish(request)));
    const sequences = published.map((one) => (one.kind === "stored" ? one.sequence : -1));
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(new Set(sequences).size).toBe(3_000);
    expect(await lastSequenceOf(bus.connection, "LOG", 2)).toBe(sequences.at(-1));
  });

  it("does not take for stored what a cluster has not agreed on yet, and asks again under the same id", async () => {
    const answers = [
      { stream: "X", seq: 0, duplicate: true },
      { error: { code: 409, err_code: 10158, description: "duplicate message id is in process" }, stream: "X", seq: 0 },
      { stream: "X", seq: 7, duplicate: true },
    ];
    const ids: (string | undefined)[] = [];
    const cluster = bus.connection.nats.subscribe("a.cluster", {
      callback: (_error, message) => {
        message.respond(JSON.stringify(answers[ids.length]));
        ids.push(message.headers?.get("Nats-Msg-Id"));
      },
    });
    const published = await bus.publisher.publish({ subject: "a.cluster", payload: bytes("1"), id: "same" }, 5_000);
    cluster.unsubscribe();
    expect(published).toEqual({ kind: "stored", sequence: 7, duplicate: true });
    expect(ids).toEqual(["same", "same", "same"]);
  });

  it("refuses a wrong expected sequence as a value", async () => {
    const subject = "$KV.config.webhook.a.b";
    const first = await bus.publisher.publish({ subject, payload: bytes("1"), id: undefined, expectedLastSequence: 0 });
    expect(first.kind).toBe("stored");
    const again = await bus.publisher.publish({ subject, payload: bytes("2"), id: undefined, expectedLastSequence: 0 });
    expect(again).toMatchObject({ kind: "refused", code: "wrong_sequence" });
  });

  it("says that a stream is full", async () => {
    await ensureStreams(bus.connection, { replicas: 1, bytesMax: { ...STREAM_BYTES_MAX_DEFAULT, RETRY: 4_096 } });
    const answers = [];
    for (let index = 0; index < 10; index += 1) {
      answers.push(await bus.publisher.publish({ subject: "retry.0", payload: Buffer.alloc(1_000), id: undefined }));
    }
    expect(answers.at(-1)).toMatchObject({ kind: "refused", code: "stream_full" });
  });

  it("refuses what no message can hold, and goes on with the rest", async () => {
    const tooLarge = { subject: "log.3", payload: Buffer.alloc(2 * 1024 * 1024), id: undefined };
    expect(await bus.publisher.publish(tooLarge)).toMatchObject({ kind: "refused", code: "other" });
    expect(bus.publisher.inFlight).toBe(0);
    const next = await bus.publisher.publish({ subject: "log.3", payload: bytes("next"), id: undefined });
    expect(next.kind).toBe("stored");
  });

  it("counts the wait for a place in the window, and leaves nobody waiting when it is closed", async () => {
    using publisher = new Publisher(bus.connection);
    await bus.nats.server.kill("SIGSTOP");
    try {
      const request = { subject: "log.3", payload: bytes("waits"), id: undefined };
      const patient = Array.from({ length: 3_000 }, () => publisher.publish(request));
      const startedMs = performance.now();
      expect(await publisher.publish(request, 300)).toEqual({ kind: "unknown" });
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      publisher[Symbol.dispose]();
      const answers = await Promise.all(patient);
      expect(answers.every((answer) => answer.kind === "unknown")).toBe(true);
      await expect(publisher.publish(request)).rejects.toThrow("closed");
    } finally {
      await bus.nats.server.kill("SIGCONT");
    }
  });

  it("gives up at the deadline while the server is down, and repeats the rest under its id when it is back", async () => {
    const { epochMs, lastSequence } = await streamPosition(bus.connection, "LOG");
    await bus.nats.server.kill("SIGKILL");
    const startedMs = performance.now();
    const bounded = bus.publisher.publish({ subject: "log.3", payload: bytes("bounded"), id: undefined }, 500);
    const patient = bus.publisher.publishUntilStored({ subject: "log.3", payload: bytes("patient"), id: "patient" });
    expect(await bounded).toEqual({ kind: "unknown" });
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    await bus.nats.server.restart();
    const { sequence } = await patient;
    expect((await messageAt(bus.connection, "LOG", sequence))?.subject).toBe("log.3");
    const after = await streamPosition(bus.connection, "LOG");
    expect(after.epochMs).toBe(epochMs);
    expect(after.lastSequence).toBeGreaterThan(lastSequence);
  });
});
