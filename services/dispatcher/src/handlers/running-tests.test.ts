import { describe, expect, it } from "vitest";
import { RunningTests } from "./running-tests.ts";

describe("RunningTests", () => {
  it("is closed while as many run as may, and open again when one ends, however it ends", async () => {
    const tests = new RunningTests(2);
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const [one, two] = [tests.run(() => first.promise), tests.run(() => second.promise)];
    expect(tests.closed).toBe("busy");
    first.resolve("done");
    expect(await one).toBe("done");
    expect(tests.closed).toBeUndefined();
    second.reject(new Error("no"));
    await expect(two).rejects.toThrow("no");
  });

  it("lets no other begin once it stops, and waits for those under way", async () => {
    const tests = new RunningTests(2);
    const { promise, resolve } = Promise.withResolvers<void>();
    void tests.run(() => promise);
    let hasStopped = false;
    const stopped = tests.stop(60_000).then(() => {
      hasStopped = true;
    });
    expect(tests.closed).toBe("stopping");
    await new Promise((settled) => setImmediate(settled));
    expect(hasStopped).toBe(false);
    resolve();
    await stopped;
  });

  it("waits for those under way no longer than it is told to", async () => {
    const tests = new RunningTests(1);
    void tests.run(() => new Promise(() => {}));
    const startedAtMs = performance.now();
    await tests.stop(20);
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  });
});
