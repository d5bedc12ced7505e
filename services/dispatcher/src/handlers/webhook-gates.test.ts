import type { AttemptOutcome } from "@posthorn/domain";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type GateListener, type GatePass, SLOW_POOL_MAX, WebhookGates } from "./webhook-gates.ts";

const DELIVERED: AttemptOutcome = { kind: "succeeded" };
const TIMED_OUT: AttemptOutcome = { kind: "failed", errorClass: "timeout", message: "", retryAfterMs: undefined };

let gates: WebhookGates;
let told: string[];
const listener = (name: string): GateListener => ({
  changed: (webhook) => told.push(`${name} changed ${webhook}`),
  opened: (webhook) => told.push(`${name} opened ${webhook}`),
  ticked: () => {},
});

beforeEach(() => {
  vi.useFakeTimers();
  gates = new WebhookGates();
  told = [];
});
afterEach(() => {
  gates[Symbol.dispose]();
  vi.useRealTimers();
});

const enter = (webhook: string, count: number): GatePass[] => Array.from({ length: count }, () => gates.enter(webhook));
/** Has one time-out behind it. */
function makeSlow(webhook: string): void {
  const pass = gates.enter(webhook);
  pass.departs();
  pass.answered(TIMED_OUT, undefined, undefined);
  pass.leave();
}
function open(webhook: string): void {
  for (let time = 0; time < 5; time++) makeSlow(webhook);
}

describe("a webhook's standing", () => {
  it("is its own turn when it has as much under way as it may", () => {
    expect(gates.standing("a", false)).toBe("go");
    const passes = enter("a", 64);
    expect(gates.standing("a", false)).toBe("own_turn");
    expect(gates.standing("b", false)).toBe("go");
    passes[0]?.leave();
    passes[0]?.leave();
    expect(gates.inFlight("a")).toBe(63);
    expect(gates.standing("a", false)).toBe("go");
  });

  it("depends on all slow webhooks when it is slow, and on none of them when it is not", () => {
    for (let webhook = 0; webhook < 70; webhook++) makeSlow(`slow ${webhook}`);
    for (let webhook = 0; webhook < SLOW_POOL_MAX; webhook++) gates.enter(`slow ${webhook}`);
    expect(gates.slowInFlight).toBe(SLOW_POOL_MAX);
    expect(gates.standing("slow 69", false)).toBe("slow_pool");
    expect(gates.standing("well", false)).toBe("go");
  });

  it("counts among the slow what was under way when its webhook fell silent, until something comes back", () => {
    const passes = enter("silent", 40);
    for (const pass of passes) pass.departs();
    vi.advanceTimersByTime(900);
    expect(gates.slowInFlight).toBe(0);
    vi.advanceTimersByTime(200);
    expect(gates.slowInFlight).toBe(40);
    expect(gates.isSlow("silent")).toBe(true);
    passes[0]?.answered(DELIVERED, 200, undefined);
    passes[0]?.leave();
    expect(gates.slowInFlight).toBe(0);
  });

  it("counts the wait for a socket as silence, and the wait for a signature not", () => {
    enter("unsigned", 10);
    enter("crowded", 10);
    const comesBack = gates.waitsOutside("crowded");
    vi.advanceTimersByTime(1_100);
    expect([gates.isSlow("unsigned"), gates.isSlow("crowded")]).toEqual([false, true]);
    comesBack();
    expect(gates.isSlow("crowded")).toBe(false);
  });

  it("is an open circuit's, but for a probe", () => {
    open("dead");
    expect(gates.circuitsOpen).toBe(1);
    expect(gates.standing("dead", false)).toBe("circuit_open");
    expect(gates.standing("dead", true)).toBe("go");
    enter("dead", SLOW_POOL_MAX);
    expect(gates.standing("dead", true)).toBe("slow_pool");
    gates.tell("dead", 1);
    expect(gates.standing("other", true)).toBe("go");
    expect(gates.circuitsOpen).toBe(0);
  });
});

describe("what is remembered of webhooks", () => {
  it("is given up when they are well, and an hour after the last answer when they are not", () => {
    for (let webhook = 0; webhook < 100; webhook++) {
      const pass = gates.enter(`failing ${webhook}`);
      pass.departs();
      pass.answered({ ...TIMED_OUT, errorClass: "connect" }, undefined, undefined);
      pass.leave();
    }
    enter("well", 1)[0]?.leave();
    open("dead");
    gates.tell("told", 7);
    vi.advanceTimersByTime(1_000);
    expect(gates.remembered).toBe(102);
    vi.advanceTimersByTime(61 * 60_000);
    expect(gates.remembered).toBe(1);
    expect(gates.standing("dead", false)).toBe("circuit_open");
    gates.tell("dead", 1);
    expect([gates.isSlow("dead"), gates.standing("dead", false)]).toEqual([false, "go"]);
  });
});

describe("a pass", () => {
  it("says when its answer has opened the circuit", () => {
    for (let time = 0; time < 4; time++) makeSlow("dead");
    const pass = gates.enter("dead");
    pass.departs();
    expect(pass.isShut).toBe(false);
    expect(pass.answered(TIMED_OUT, undefined, undefined)).toEqual({ kind: "opened", generation: 1 });
    expect(pass.isShut).toBe(true);
  });

  it("that was never used says nothing of the receiver", () => {
    const pass = gates.enter("a");
    expect(pass.answered(TIMED_OUT, undefined, undefined)).toBeUndefined();
    pass.departs();
    pass.leave();
    vi.advanceTimersByTime(2_000);
    expect(gates.isSlow("a")).toBe(false);
    expect(gates.inFlight("a")).toBe(0);
  });
});

describe("whoever waits", () => {
  it("is told of each change, the lanes in turn", () => {
    gates.listen(listener("first"));
    gates.listen(listener("released"));
    const passes = enter("a", 2);
    for (const pass of passes) pass.leave();
    expect(told).toHaveLength(4);
    expect(told[0]).not.toBe(told[2]);
  });

  it("is told of an opened circuit after whoever has to log it", async () => {
    gates.listen(listener("first"));
    open("dead");
    expect(told).not.toContain("first opened dead");
    await Promise.resolve();
    expect(told).toContain("first opened dead");
  });
});
