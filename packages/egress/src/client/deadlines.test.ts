import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Deadlines } from "./deadlines.ts";

describe("deadlines behind one timer", () => {
  let rung: string[];
  let deadlines: Deadlines;

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_007 });
    rung = [];
    deadlines = new Deadlines(() => Date.now());
  });
  afterEach(() => {
    deadlines[Symbol.dispose]();
    vi.useRealTimers();
  });

  function named(name: string) {
    return { onDeadline: () => void rung.push(name) };
  }

  it("ring in order, never early and at most a tick late", () => {
    const startMs = Date.now();
    deadlines.add(named("later"), startMs + 150);
    deadlines.add(named("sooner"), startMs + 100);
    vi.advanceTimersByTime(99);
    expect(rung).toEqual([]);
    vi.advanceTimersByTime(41);
    expect(rung).toEqual(["sooner"]);
    vi.advanceTimersByTime(50);
    expect(rung).toEqual(["sooner", "later"]);
  });

  it("do not ring when cancelled", () => {
    const [kept, cancelled] = [named("kept"), named("cancelled")];
    const atMs = Date.now() + 100;
    deadlines.add(kept, atMs);
    deadlines.add(cancelled, atMs);
    deadlines.cancel(cancelled, atMs);
    vi.advanceTimersByTime(200);
    expect(rung).toEqual(["kept"]);
  });

  it("leave no timer behind when none is running", () => {
    const expiring = named("a");
    const atMs = Date.now() + 30_000;
    deadlines.add(expiring, atMs);
    deadlines.cancel(expiring, atMs);
    vi.advanceTimersByTime(40);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("let what came while the process was frozen be read before they ring", () => {
    const [answered, unanswered] = [named("answered"), named("unanswered")];
    const atMs = Date.now() + 100;
    deadlines.add(answered, atMs);
    deadlines.add(unanswered, atMs);
    vi.setSystemTime(Date.now() + 10_000);
    vi.advanceTimersToNextTimer();
    expect(rung).toEqual([]);
    deadlines.cancel(answered, atMs);
    vi.advanceTimersToNextTimer();
    expect(rung).toEqual(["unanswered"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("work again after a pause, and after the process was frozen", () => {
    deadlines.add(named("first"), Date.now() + 10);
    vi.advanceTimersByTime(1_000);
    deadlines.add(named("second"), Date.now() + 10);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(40);
    expect(rung).toEqual(["first", "second"]);
  });
});
