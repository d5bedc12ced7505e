import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestBus, type TestBus, text } from "./bus.fixture.ts";
import { durableOf, type StreamName } from "./names.ts";
import type { TakenMessage } from "./stored-message.ts";
import { oldestStoredAtMs, streamPosition, unfinishedIn, workedUpTo } from "./streams.ts";
import { WorkSource } from "./work-source.ts";

describe("WorkSource", () => {
  let bus: TestBus;
  beforeAll(async () => {
    bus = await openTestBus();
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  const open = (stream: StreamName, prefetchMax = 16, leaseMs = 60_000) =>
    WorkSource.open(bus.connection, { stream, worker: "dispatcher", prefetchMax, leaseMs, onTrouble: () => {} });

  async function publish(subject: string, count: number): Promise<void> {
    const requests = Array.from({ length: count }, (_, index) => ({
      subject,
      payload: Buffer.from(`${subject}#${index}`),
      id: undefined,
    }));
    await Promise.all(requests.map((request) => bus.publisher.publishUntilStored(request)));
  }

  async function takeAll(source: WorkSource, count: number): Promise<TakenMessage[]> {
    const taken: TakenMessage[] = [];
    await waitUntil(
      () => {
        taken.push(...source.take(count - taken.length));
        return taken.length >= count;
      },
      { timeoutMs: 10_000, describe: () => `${taken.length} of ${count} messages` },
    );
    return taken;
  }

  it("takes from each partition in turn, however much one of them holds", async () => {
    await publish("deliver.0", 200);
    await publish("deliver.5", 3);
    using source = await open("DELIVER");
    await waitUntil(() => source.waiting >= 16 + 3, { timeoutMs: 5_000 });
    const first = source.take(6);
    expect(first.filter(({ partition }) => partition === 5)).toHaveLength(3);
    expect(source.waiting).toBeLessThanOrEqual(32);
    const rest = await takeAll(source, 197);
    for (const message of [...first, ...rest]) message.ack();
  });

  it("takes from the lanes of a partition in turn, and says what is not finished of each", async () => {
    await publish("deliver.0", 200);
    await publish("deliver.0.backlog", 100);
    using source = await open("DELIVER");
    await waitUntil(() => source.waiting >= 16 + 16, { timeoutMs: 5_000 });
    const unfinished = () => unfinishedIn(bus.connection, "dispatcher", "DELIVER", 0);
    expect(await unfinished()).toEqual({ main: 200, backlog: 100 });
    const first = source.take(4);
    expect(first.map(({ lane }) => lane).sort()).toEqual(["backlog", "backlog", "main", "main"]);
    const main = source.take(8, (_partition, lane) => lane === "main");
    expect(main.map(({ data }) => text(data).split("#")[0])).toEqual(Array(8).fill("deliver.0"));
    expect(await oldestStoredAtMs(bus.connection, "DELIVER", 0)).toBe(
      Math.min(...first.map(({ storedAtMs }) => storedAtMs)),
    );
    const rest = await takeAll(source, 300 - 4 - 8);
    for (const message of [...first, ...main, ...rest]) message.ack();
    await waitUntil(async () => (await unfinished()).backlog === 0, { timeoutMs: 5_000 });
    expect(await unfinished()).toEqual({ main: 0, backlog: 0 });
  });

  it("empties a work queue by acknowledging, and gives the rest out again to the next one as possible repeats", async () => {
    await publish("retry.1", 10);
    {
      using source = await open("RETRY", 16, 1_000);
      const messages = await takeAll(source, 10);
      for (const message of messages.slice(0, 7)) message.ack();
    }
    await waitUntil(async () => (await streamPosition(bus.connection, "RETRY")).lastSequence >= 10, {
      timeoutMs: 5_000,
    });
    using next = await open("RETRY", 16, 1_000);
    const again = await takeAll(next, 3);
    expect(again.map((message) => text(message.data))).toEqual(["retry.1#7", "retry.1#8", "retry.1#9"]);
    expect(again.every((message) => message.mayBeRepeat)).toBe(true);
    expect(await oldestStoredAtMs(bus.connection, "RETRY", 1)).toBe(again[0]?.storedAtMs);
    for (const message of again) message.ack();
    await waitUntil(async () => (await oldestStoredAtMs(bus.connection, "RETRY", 1)) === undefined, {
      timeoutMs: 5_000,
    });
    expect(await workedUpTo(bus.connection, "dispatcher", "RETRY", 1)).toBe(again[2]?.sequence);
  });

  it("calls nothing a repeat that came in after it had connected, and goes on after a restart of the server", async () => {
    using source = await open("DELIVER");
    await publish("deliver.2", 2);
    const [first, second] = await takeAll(source, 2);
    expect([first?.mayBeRepeat, second?.mayBeRepeat]).toEqual([false, false]);
    first?.ack();
    second?.giveBack(0);
    const [again] = await takeAll(source, 1);
    expect(again?.mayBeRepeat).toBe(true);
    // It was handed back: nobody can have begun.
    expect(again?.isRedelivered).toBe(false);
    again?.ack();
    // The server writes down lazily what was acknowledged; it would come again in the middle of a later test.
    await sleep(300);
    await bus.nats.server.kill("SIGKILL");
    await bus.nats.server.restart();
    await publish("deliver.2", 5);
    const after = await takeAll(source, 5);
    expect(after.map((message) => text(message.data))).toContain("deliver.2#4");
    for (const message of after) message.ack();
  });

  /** Breaks the connection to a server that goes on and remembers what it was asked for. */
  async function reconnect(): Promise<void> {
    const connected = new Promise<void>((resolve) => {
      const stop = bus.connection.onStateChange((state) => {
        if (state !== "connected") return;
        stop();
        resolve();
      });
    });
    await bus.connection.nats.reconnect();
    await connected;
  }

  it("holds no more than its window when the connection broke and the server did not", async () => {
    using source = await open("DELIVER");
    await reconnect();
    await sleep(50);
    await publish("deliver.3", 100);
    await waitUntil(() => source.waiting >= 16, { timeoutMs: 5_000 });
    await sleep(200);
    expect(source.waiting).toBe(16);
    for (const message of await takeAll(source, 100)) message.ack();
  });

  it("lets every lease end with the connection; what had not been begun comes again when the server's is over", async () => {
    using source = await open("DELIVER", 16, 2_000);
    await publish("deliver.4", 3);
    const [inHand] = await takeAll(source, 1);
    await waitUntil(() => source.waiting === 2, { timeoutMs: 5_000 });
    expect(inHand?.leaseEndsAtMs()).toBeGreaterThan(performance.now());
    await reconnect();
    expect(inHand?.leaseEndsAtMs()).toBe(0);
    inHand?.working();
    expect(inHand?.leaseEndsAtMs()).toBe(0);
    inHand?.giveBack(0);
    const again = await takeAll(source, 3);
    expect(again.map((message) => message.isRedelivered)).toEqual([true, true, true]);
    for (const message of again) message.ack();
  });

  it("hands back everything at its end, for the next one to take at once", async () => {
    const first = await open("DELIVER");
    await publish("deliver.1", 12);
    const inHand = await takeAll(first, 4);
    await waitUntil(() => first.waiting === 8, { timeoutMs: 5_000 });
    first[Symbol.dispose]();
    for (const message of [...first.take(8), ...inHand]) message.giveBack(0);
    using next = await open("DELIVER");
    for (const message of await takeAll(next, 12)) message.ack();
  });

  it("remembers an acknowledgement that was given while the server was away", async () => {
    using source = await open("DELIVER");
    await publish("deliver.6", 1);
    const [message] = await takeAll(source, 1);
    // The server writes down lazily what it has handed out.
    await sleep(300);
    await bus.nats.server.kill("SIGKILL");
    await waitUntil(() => !bus.connection.isConnected, { timeoutMs: 5_000 });
    message?.ack();
    await bus.nats.server.restart();
    await waitUntil(() => bus.connection.isConnected, { timeoutMs: 5_000 });
    await waitUntil(async () => (await oldestStoredAtMs(bus.connection, "DELIVER", 6)) === undefined, {
      timeoutMs: 5_000,
    });
  });

  it("hands out nothing whose lease ran out while it waited here", async () => {
    using source = await open("RETRY", 16, 400);
    await publish("retry.2", 1);
    await waitUntil(() => source.waiting > 0, { timeoutMs: 5_000 });
    await sleep(600);
    const [message] = await takeAll(source, 1);
    expect(message?.leaseEndsAtMs()).toBeGreaterThan(performance.now());
    expect(message?.isRedelivered).toBe(true);
    message?.ack();
  });

  it("keeps what waits here for longer than a lease", async () => {
    using source = await open("RETRY", 16, 1_500);
    await publish("retry.4", 1);
    await waitUntil(() => source.waiting > 0, { timeoutMs: 5_000 });
    await sleep(3_000);
    const [message] = await takeAll(source, 1);
    expect(message?.leaseEndsAtMs()).toBeGreaterThan(performance.now());
    expect(message?.mayBeRepeat).toBe(false);
    message?.ack();
  });

  it("trusts no lease of a message that came in while the process was frozen", async () => {
    using source = await open("RETRY", 16, 1_000);
    await bus.publisher.publish({ subject: "retry.3", payload: Buffer.from("warm"), id: undefined });
    for (const message of await takeAll(source, 1)) message.ack();
    const published = bus.publisher.publish({ subject: "retry.3", payload: Buffer.from("frozen"), id: undefined });
    // The publish has left when the freeze begins; the message arrives during it.
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_300));
    await published;
    const [message] = await takeAll(source, 1);
    expect(message?.isRedelivered).toBe(true);
    message?.ack();
  });

  it("goes on when its consumer was deleted, and calls what it hands out possible repeats", async () => {
    using source = await open("DELIVER");
    await publish("deliver.7", 2);
    await waitUntil(() => source.waiting === 2, { timeoutMs: 5_000 });
    await bus.connection.manager.consumers.delete("DELIVER", durableOf("dispatcher", "DELIVER", 7));
    await waitUntil(() => source.waiting === 0, { timeoutMs: 5_000 });
    const again = await takeAll(source, 2);
    expect(again.map((message) => message.mayBeRepeat)).toEqual([true, true]);
    for (const message of again) message.ack();
  });

  it("leaves nothing behind when it cannot be opened", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
    await bus.connection.manager.streams.delete("RETRY");
    const before = timers();
    await expect(open("RETRY")).rejects.toThrow("stream not found");
    await waitUntil(() => timers() <= before, { timeoutMs: 2_000 });
  });
});
