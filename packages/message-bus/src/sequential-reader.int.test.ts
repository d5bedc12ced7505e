import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestBus, type TestBus, text } from "./bus.fixture.ts";
import { SequentialReader } from "./sequential-reader.ts";

let bus: TestBus;
beforeAll(async () => {
  bus = await openTestBus();
});
afterAll(() => bus[Symbol.asyncDispose]());

async function publish(partition: number, from: number, count: number): Promise<void> {
  for (let index = from; index < from + count; index += 1) {
    await bus.publisher.publishUntilStored({
      subject: `log.${partition}`,
      payload: Buffer.from(String(index)),
      id: undefined,
    });
  }
}

it("reads one partition in order, once each, over restarts of the server", async () => {
  await publish(4, 0, 50);
  await publish(5, 0, 50);
  const read: string[] = [];
  using reader = new SequentialReader(bus.connection, {
    stream: "LOG",
    subject: "log.4",
    from: { kind: "sequence", sequence: 11 },
    windowMax: 8,
    onMessage: (message) => {
      read.push(text(message.data));
      setTimeout(() => reader.taken(1), 1);
    },
    onTrouble: () => {},
  });
  await waitUntil(() => read.length === 40, { timeoutMs: 5_000 });
  await bus.nats.server.kill("SIGKILL");
  await bus.nats.server.restart();
  await publish(4, 50, 30);
  await waitUntil(() => read.length >= 70, { timeoutMs: 15_000 });
  expect(read).toEqual(Array.from({ length: 70 }, (_, index) => String(index + 10)));
});

it("holds no more than its window", async () => {
  await publish(6, 0, 40);
  let held = 0;
  using _reader = new SequentialReader(bus.connection, {
    stream: "LOG",
    subject: "log.6",
    from: { kind: "sequence", sequence: 1 },
    windowMax: 10,
    onMessage: () => {
      held += 1;
    },
    onTrouble: () => {},
  });
  await waitUntil(() => held === 10, { timeoutMs: 5_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(held).toBe(10);
});

it("hands out nothing once it is disposed, whatever is still on its way", async () => {
  await publish(7, 0, 20);
  let read = 0;
  const reader = new SequentialReader(bus.connection, {
    stream: "LOG",
    subject: "log.7",
    from: { kind: "sequence", sequence: 1 },
    windowMax: 100,
    onMessage: () => {
      read += 1;
      reader[Symbol.dispose]();
    },
    onTrouble: () => {},
  });
  await waitUntil(() => read > 0, { timeoutMs: 5_000 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(read).toBe(1);
});
