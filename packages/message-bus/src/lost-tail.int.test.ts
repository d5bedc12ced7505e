import { keepStream, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestBus, type TestBus, text } from "./bus.fixture.ts";
import { durableOf, type StreamName, subjectOf, type WorkerName } from "./names.ts";
import type { TakenMessage } from "./stored-message.ts";
import { oldestStoredAtMs, workedUpTo } from "./streams.ts";
import { WorkSource } from "./work-source.ts";

/** A durable that was deleted is remembered as of at most this long ago. */
const REMEMBERED_MS_MAX = 3_000;

describe("a stream that lost its end, or its consumers", () => {
  let bus: TestBus;
  beforeAll(async () => {
    bus = await openTestBus();
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  const troubles: string[] = [];
  const onTrouble = (reason: string) => troubles.push(reason);
  const open = (stream: StreamName, worker: WorkerName) =>
    WorkSource.open(bus.connection, { stream, worker, prefetchMax: 64, leaseMs: 5_000, onTrouble });

  async function publish(stream: StreamName, name: string, count: number): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      const payload = Buffer.from(`${name}${number}`);
      await bus.publisher.publishUntilStored({ subject: subjectOf(stream, 0), payload, id: undefined });
    }
  }

  async function takeAll(source: WorkSource, last: string): Promise<readonly TakenMessage[]> {
    const taken: TakenMessage[] = [];
    const isLast = (message: TakenMessage) => text(message.data) === last;
    await waitUntil(
      () => {
        const some = source.take(100);
        for (const message of some) message.ack();
        taken.push(...some);
        return taken.some(isLast);
      },
      { timeoutMs: 10_000, describe: () => `${last}, after ${taken.map(({ data }) => text(data)).join()}` },
    );
    return taken;
  }
  const namesOf = (messages: readonly TakenMessage[]) => messages.map(({ data }) => text(data));
  const numbered = (name: string, count: number) => Array.from({ length: count }, (_, number) => `${name}${number}`);

  it.each([
    ["INGEST", "matcher"],
    ["DELIVER", "dispatcher"],
  ] as const)(
    "hands out of %s what came in under sequences that were used before",
    async (stream, worker) => {
      using source = await open(stream, worker);
      await publish(stream, "old", 5);
      await takeAll(source, "old4");
      const kept = await keepStream(bus.nats, stream, "messages");
      await publish(stream, "lost", 10);
      await takeAll(source, "lost9");
      await kept.putBack();
      await publish(stream, "new", 3);
      const [first] = await takeAll(source, "new2");
      expect(first?.mayBeRepeat).toBe(true);
      await publish(stream, "later", 12);
      expect(namesOf(await takeAll(source, "later11"))).toEqual(numbered("later", 12));
    },
    30_000,
  );

  it("finds out even when as much came in as was lost, as long as somebody remembers what stood there", async () => {
    using source = await open("INGEST", "matcher");
    const kept = await keepStream(bus.nats, "INGEST", "messages");
    await publish("INGEST", "gone", 3);
    await takeAll(source, "gone2");
    source[Symbol.dispose]();
    using reader = await open("INGEST", "matcher");
    await publish("INGEST", "known", 1);
    await takeAll(reader, "known0");
    await kept.putBack();
    await publish("INGEST", "reused", 20);
    const seen = namesOf(await takeAll(reader, "reused19"));
    expect(numbered("reused", 20).filter((name) => !seen.includes(name))).toEqual([]);
  }, 30_000);

  it("hands out once more, as possible repeats, what the server brings back behind its floor", async () => {
    await publish("RETRY", "done", 300);
    const kept = await keepStream(bus.nats, "RETRY", "messages");
    await waitUntil(() => bus.connection.isConnected);
    using source = await open("RETRY", "dispatcher");
    await takeAll(source, "done299");
    await waitUntil(async () => (await workedUpTo(bus.connection, "dispatcher", "RETRY", 0)) === 300);
    await kept.putBack();
    await publish("RETRY", "fresh", 5);
    const taken = await takeAll(source, "fresh4");
    expect(new Set(namesOf(taken))).toEqual(new Set([...numbered("done", 300), ...numbered("fresh", 5)]));
    const broughtBack = taken.filter(({ data }) => text(data).startsWith("done"));
    expect(broughtBack.map(({ mayBeRepeat }) => mayBeRepeat)).toEqual(Array(300).fill(true));
    expect(troubles.join("\n")).toContain("the stream holds messages up to 300 that its consumer had passed");
    await waitUntil(async () => (await oldestStoredAtMs(bus.connection, "RETRY", 0)) === undefined);
  }, 30_000);

  it("goes on where it was when the durable of a stream that keeps everything was deleted", async () => {
    using source = await open("LOG", "scheduler");
    await publish("LOG", "before", 20);
    await takeAll(source, "before19");
    await new Promise((resolve) => setTimeout(resolve, REMEMBERED_MS_MAX));
    await bus.connection.manager.consumers.delete("LOG", durableOf("scheduler", "LOG", 0));
    await publish("LOG", "after", 2);
    const taken = await takeAll(source, "after1");
    expect(namesOf(taken)).toEqual(numbered("after", 2));
    expect(taken[0]?.mayBeRepeat).toBe(true);
  }, 30_000);
});
