import type { AttemptOutcome, ReleaseTerms, WebhookId, WorkItem } from "@posthorn/domain";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { another, message } from "./dispatch.fixture.ts";
import { type Entry, WaitingRoom } from "./waiting-room.ts";
import { type GatePass, WebhookGates } from "./webhook-gates.ts";

const TIMED_OUT: AttemptOutcome = { kind: "failed", errorClass: "timeout", message: "", retryAfterMs: undefined };

let gates: WebhookGates;
let started: Entry[];
let parked: [entry: Entry, reason: string][];
let passes: Map<Entry, GatePass>;
let roomMade: number;
let slots: number;
let room: WaitingRoom;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  [gates, started, parked, passes, roomMade, slots] = [new WebhookGates(), [], [], new Map(), 0, 512];
  room = new WaitingRoom({
    gates,
    itemsMax: 300,
    freeSlots: () => slots - passes.size,
    start: (entry) => {
      started.push(entry);
      const pass = gates.enter(entry.webhook);
      passes.set(entry, pass);
      pass.departs();
    },
    park: (entry, reason) => parked.push([entry, reason]),
    onRoom: () => {
      roomMade += 1;
    },
  });
  gates.listen(room);
});
afterEach(() => {
  room[Symbol.dispose]();
  gates[Symbol.dispose]();
  vi.useRealTimers();
});

function entry(webhook: string, changes: Partial<WorkItem> = {}, partition = 0): Entry {
  const item = another({ webhookId: webhook as WebhookId, ...changes });
  return { message: message({ partition }), item, webhook, partition, bytes: 0, sinceMs: performance.now() };
}
function arrive(webhook: string, count = 1, changes: Partial<WorkItem> = {}, partition = 0): Entry[] {
  const entries = Array.from({ length: count }, () => entry(webhook, changes, partition));
  for (const one of entries) room.arrive(one);
  return entries;
}
/** Its request ends so. */
function end(one: Entry | undefined, outcome: AttemptOutcome = { kind: "succeeded" }): void {
  const pass = one === undefined ? undefined : passes.get(one);
  if (one === undefined || pass === undefined) throw new Error("not under way");
  passes.delete(one);
  pass.answered(outcome, outcome.kind === "succeeded" ? 200 : undefined, undefined);
  pass.leave();
  room.slotFreed();
}
const terms = (changes: Partial<ReleaseTerms>): Partial<WorkItem> => ({
  terms: { isProbe: false, circuitsClosed: 0, slot: undefined, ...changes },
});
const turn = () => new Promise((resolve) => setImmediate(resolve));
function open(webhook: string): void {
  for (let time = 0; time < 5; time++) end(arrive(webhook)[0], TIMED_OUT);
}

describe("an item", () => {
  it("waits for its webhook's turn without holding up others, and keeps its place in the line", () => {
    const first = arrive("busy", 70);
    const [other] = arrive("other");
    expect(started).toEqual([...first.slice(0, 64), other]);
    expect(room.size).toBe(6);
    end(first[10]);
    expect(started.at(-1)).toBe(first[64]);
    expect(room.size).toBe(5);
  });

  it("waits for a slot, and the webhook that has fewer under way gets it", () => {
    slots = 10;
    const flood = arrive("flood", 20);
    expect(started).toEqual(flood.slice(0, 5));
    const [other] = arrive("other");
    expect(started.at(-1)).toBe(other);
    end(flood[0]);
    expect(started.at(-1)).toBe(flood[5]);
  });

  it("does not overtake those of its webhook that wait already", () => {
    slots = 2;
    const first = arrive("flood", 3);
    slots = 512;
    const [last] = arrive("flood");
    expect(started).toEqual(first.slice(0, 1));
    room.slotFreed();
    expect(started).toEqual([...first, last]);
  });

  it("waits for its time, and leaves then, in order of their times", () => {
    const at = (ms: number) => terms({ slot: { fromMs: Date.now() + ms, untilMs: Date.now() + ms + 10 } });
    const [late] = arrive("limited", 1, at(200));
    const [early] = arrive("limited", 1, at(100));
    const [now] = arrive("limited", 1, at(0));
    expect(started).toEqual([now]);
    vi.advanceTimersByTime(99);
    expect(started).toEqual([now]);
    vi.advanceTimersByTime(1);
    expect(started).toEqual([now, early]);
    vi.advanceTimersByTime(100);
    expect(started).toEqual([now, early, late]);
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe("parking for the receiver's sake", () => {
  it("happens at once while a circuit is open, also to what waited already", async () => {
    const waiting = arrive("dead", 70).slice(64);
    for (const one of started.slice(0, 5)) end(one, TIMED_OUT);
    await Promise.resolve();
    expect(parked.map(([one]) => one)).toEqual(expect.arrayContaining(waiting.slice(-1)));
    expect(room.size).toBe(0);
    const [late] = arrive("dead");
    expect(parked.at(-1)).toEqual([late, "circuit_open"]);
  });

  it("spares a probe, and ends with word that the circuit is closed", () => {
    open("dead");
    const [probe] = arrive("dead", 1, terms({ isProbe: true }));
    expect(started.at(-1)).toBe(probe);
    const [released] = arrive("dead", 1, terms({ circuitsClosed: 1 }));
    expect(started.at(-1)).toBe(released);
    expect(parked).toEqual([]);
  });

  it("does not end because a circuit that others opened later is probed", () => {
    open("dead");
    arrive("dead", 1, terms({ isProbe: true, circuitsClosed: 3 }));
    const [late] = arrive("dead");
    expect(parked).toEqual([[late, "circuit_open"]]);
    const [released] = arrive("dead", 1, terms({ circuitsClosed: 4 }));
    expect(started.at(-1)).toBe(released);
  });

  it("happens to what has waited too long for a receiver that is silent", () => {
    const waiting = arrive("silent", 70).slice(64);
    vi.advanceTimersByTime(900);
    expect(parked).toEqual([]);
    vi.advanceTimersByTime(300);
    expect(parked).toEqual(waiting.map((one) => [one, "receiver_slow"]));
  });

  it("does not happen to what waits for a receiver that answers", () => {
    const first = arrive("busy", 132);
    for (let at = 0; at < 20; at++) {
      vi.advanceTimersByTime(200);
      end(first[at]);
    }
    expect(parked).toEqual([]);
    expect(room.size).toBe(33);
  });

  it("happens to what exceeds the share of a receiver that takes its time", async () => {
    const first = arrive("slow", 64);
    vi.advanceTimersByTime(400);
    for (const one of first) end(one);
    const flood = arrive("slow", 64 + 100 + 10);
    await turn();
    expect(parked.map(([, reason]) => reason)).toEqual(Array.from({ length: 10 }, () => "receiver_slow"));
    expect(parked.map(([one]) => one)).toEqual(flood.slice(-10));
    expect(room.accepts(0, "main")).toBe(true);
  });
});

describe("what merely outruns the engine", () => {
  it("waits at the door, and its lane of the stream with it; others go on", async () => {
    const flood = arrive("brisk", 64 + 100 + 10);
    await turn();
    expect(parked).toEqual([]);
    expect(room.accepts(0, "main")).toBe(false);
    expect(room.accepts(1, "main")).toBe(true);
    expect(room.accepts(0, "backlog")).toBe(true);
    const [neighbour] = arrive("neighbour");
    expect(started.at(-1)).toBe(neighbour);
    for (const one of flood.slice(0, 40)) end(one);
    await turn();
    expect(parked).toEqual([]);
    expect(room.accepts(0, "main")).toBe(true);
    expect(roomMade).toBeGreaterThan(0);
  });

  it("does not hold up another partition that was full meanwhile and is not any more", async () => {
    arrive("flood", 64);
    slots = 64;
    for (let webhook = 0; webhook < 150; webhook++) arrive(`neighbour ${webhook}`, 1, {}, 1);
    arrive("flood", 110);
    expect([room.accepts(0, "main"), room.accepts(1, "main")]).toEqual([false, false]);
    slots = 512;
    room.slotFreed();
    await turn();
    expect(started).toHaveLength(64 + 150);
    expect([room.accepts(0, "main"), room.accepts(1, "main")]).toEqual([false, true]);
    expect(roomMade).toBe(0);
    vi.advanceTimersByTime(100);
    expect(roomMade).toBe(1);
  });

  it("is handed back in the end, all of it", async () => {
    const flood = arrive("brisk", 64 + 100 + 10);
    const [timed] = arrive("limited", 1, terms({ slot: { fromMs: Date.now() + 1_000, untilMs: Date.now() + 2_000 } }));
    await turn();
    expect([...room.entries()]).toHaveLength(111);
    expect(new Set(room.drain())).toEqual(new Set([...flood.slice(64), timed]));
    expect(room.size).toBe(0);
  });
});
