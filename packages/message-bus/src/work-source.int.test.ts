import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestBus, type TestBus, text } from "./bus.fixture.ts";
import type { StreamName } from "./names.ts";
import type { WorkMessage } from "./stored-message.ts";
import { oldestStoredAtMs, streamPosition, workedUpTo } from "./streams.ts";
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

  async function takeAll(source: WorkSource, count: number): Promise<WorkMessage[]> {
    const taken: WorkMessage[] = [];
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
    const first = source.take(6).map((message) => message.partition);
    expect(first.filter((partition) => partition === 5)).toHaveLength(3);
    expect(source.waiting).toBeLessThanOrEqual(32);
    const rest = await takeAll(source, 197);
    for (const message of rest) message.ack();
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
    again?.ack();
    await bus.nats.server.kill("SIGKILL");
    await bus.nats.server.restart();
    await publish("deliver.2", 5);
    const after = await takeAll(source, 5);
    expect(after.map((message) => text(message.data))).toContain("deliver.2#4");
    for (const message of after) message.ack();
  });
});
