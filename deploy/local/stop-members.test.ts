import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Member } from "./keep-running.ts";
import { STOP_TIMES_MS, stopMembers } from "./stop-members.ts";

let startedAtMs: number;
let happened: string[];

beforeEach(() => {
  vi.useFakeTimers();
  startedAtMs = performance.now();
  happened = [];
});

afterEach(() => vi.useRealTimers());

/** Ends `takesMs` after it was asked to, or when its grace is over. */
function member(name: string, takesMs: number): Member {
  return {
    name,
    pid: 1,
    start: async () => ({ exited: new Promise(() => {}) }),
    kill: () => {},
    stop: async (graceMs) => {
      happened.push(`${name} asked at ${performance.now() - startedAtMs}`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(takesMs, graceMs)));
      happened.push(`${name} ended at ${performance.now() - startedAtMs}`);
    },
  };
}

async function stopAll(frontMs: number, dataPlaneMs: number, serverMs: number): Promise<void> {
  const stopping = stopMembers({
    front: [member("api", frontMs)],
    dataPlane: [member("matcher", dataPlaneMs)],
    servers: [member("nats", serverMs)],
  });
  await vi.runAllTimersAsync();
  await stopping;
}

test("each stage is asked when the one before has ended", async () => {
  await stopAll(100, 200, 10);
  expect(happened).toEqual([
    "api asked at 0",
    "api ended at 100",
    "matcher asked at 100",
    "matcher ended at 300",
    "nats asked at 300",
    "nats ended at 310",
  ]);
});

test("a slow front delays the data plane only so long, and nobody exceeds the end", async () => {
  const never = Number.POSITIVE_INFINITY;
  await stopAll(never, never, never);
  const { frontHeadStart, servicesKilledAt, serversKilledAt } = STOP_TIMES_MS;
  expect(happened).toEqual([
    "api asked at 0",
    `matcher asked at ${frontHeadStart}`,
    `api ended at ${servicesKilledAt}`,
    `matcher ended at ${servicesKilledAt}`,
    `nats asked at ${servicesKilledAt}`,
    `nats ended at ${serversKilledAt}`,
  ]);
  expect(serversKilledAt).toBeLessThan(10_000);
});
