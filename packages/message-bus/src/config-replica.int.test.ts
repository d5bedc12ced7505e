import type { ConfigValue } from "@posthorn/domain";
import { keepStream, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestBus, type TestBus } from "./bus.fixture.ts";
import { ConfigReplica } from "./config-replica.ts";
import { hasSentinel, writeConfigValue, writeSentinel } from "./config-writer.ts";
import { CONFIG_STREAM } from "./names.ts";
import { ensureConfigBucket } from "./streams.ts";

const deleted = (version: number): ConfigValue => ({ kind: "deleted", version });

describe("the configuration bucket", () => {
  let bus: TestBus;
  beforeAll(async () => {
    bus = await openTestBus();
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  function follow() {
    const values = new Map<string, number>();
    let resets = 0;
    const replica = new ConfigReplica(bus.connection, bus.publisher, {
      onValue: (key, value) => values.set(key, value.version),
      onReset: () => {
        resets += 1;
        values.clear();
      },
      onTrouble: () => {},
    });
    return { replica, values, resets: () => resets, [Symbol.dispose]: () => replica[Symbol.dispose]() };
  }

  const write = (id: string, version: number) =>
    writeConfigValue(bus.connection, bus.publisher, { kind: "webhook", orgId: "o", id }, deleted(version), 0);

  it("is not complete before the sentinel, whatever it holds", async () => {
    using copy = follow();
    await write("early", 1);
    await waitUntil(() => copy.values.has("webhook.o.early"), { timeoutMs: 5_000 });
    expect(copy.replica.isComplete).toBe(false);
    expect(await hasSentinel(bus.connection)).toBe(false);
    const barrier = copy.replica.barrier();
    await writeSentinel(bus.connection, bus.publisher);
    await barrier;
    expect(copy.replica.isComplete).toBe(true);
    expect(await hasSentinel(bus.connection)).toBe(true);
  });

  it("never puts an older version over a newer one", async () => {
    using copy = follow();
    await Promise.all([write("race", 3), write("race", 5), write("race", 4)]);
    await write("race", 2);
    await copy.replica.barrier();
    expect(copy.values.get("webhook.o.race")).toBe(5);
  });

  it("shows everything written before the barrier, behind it", async () => {
    using copy = follow();
    await copy.replica.barrier();
    for (let round = 1; round <= 300; round += 1) {
      await write("fresh", round);
      await copy.replica.barrier();
      expect(copy.values.get("webhook.o.fresh")).toBe(round);
    }
  });

  it("becomes complete while others put marker over marker", async () => {
    using other = follow();
    let isOver = false;
    const markers = (async () => {
      while (!isOver) await other.replica.barrier();
    })();
    for (let round = 0; round < 20; round += 1) {
      using copy = follow();
      await waitUntil(() => copy.replica.isComplete, { describe: "a complete copy" });
    }
    isOver = true;
    await markers;
    // A copy that began among the markers is complete without another one.
    using last = follow();
    await waitUntil(() => last.replica.isComplete, { describe: "a complete copy" });
  });

  it("shares a barrier among the callers of one moment", async () => {
    using copy = follow();
    await copy.replica.barrier();
    const revisions = await Promise.all(Array.from({ length: 500 }, () => copy.replica.barrier()));
    expect(new Set(revisions).size).toBeLessThanOrEqual(2);
  });

  it("does not wait for a revision that this bucket never had", async () => {
    using copy = follow();
    const revision = await copy.replica.barrier();
    let isReached = false;
    const reached = copy.replica.reached(revision + 10_000).then(() => {
      isReached = true;
    });
    await write("meanwhile", 1);
    await copy.replica.barrier();
    expect(isReached).toBe(false);
    await reached;
    expect(copy.values.get("webhook.o.meanwhile")).toBe(1);
  });

  it("follows nothing when it was disposed before it had begun", async () => {
    for (let round = 0; round < 5; round += 1) follow()[Symbol.dispose]();
    const consumers = () => bus.connection.manager.consumers.list(CONFIG_STREAM).next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await consumers()).toEqual([]);
  });

  it("begins anew when the bucket has lost its newest values, and does not wait for the revisions that it had", async () => {
    const kept = await keepStream(bus.nats, CONFIG_STREAM, "all");
    await waitUntil(() => bus.connection.isConnected);
    using copy = follow();
    for (let version = 1; version <= 50; version += 1) await write("lost", version);
    const revision = await copy.replica.barrier();
    await kept.putBack();
    await waitUntil(() => copy.resets() === 1, { timeoutMs: 10_000 });
    await write("found", 1);
    expect(await copy.replica.barrier()).toBeLessThan(revision);
    expect([copy.values.has("webhook.o.lost"), copy.values.get("webhook.o.found")]).toEqual([false, 1]);
  });

  it("forgets everything when the bucket turns out to be another one, and waits for its sentinel", async () => {
    using copy = follow();
    await copy.replica.barrier();
    await bus.connection.manager.streams.delete(CONFIG_STREAM);
    await ensureConfigBucket(bus.connection, 1);
    await waitUntil(() => copy.resets() === 1, { timeoutMs: 10_000 });
    expect(copy.replica.isComplete).toBe(false);
    await write("again", 1);
    await writeSentinel(bus.connection, bus.publisher);
    await copy.replica.barrier();
    expect([...copy.values.keys()]).toEqual(["webhook.o.again"]);
  });
});
