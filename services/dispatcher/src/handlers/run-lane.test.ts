import { encodeWorkBundle, encodeWorkItem } from "@posthorn/contracts";
import type { WorkItem } from "@posthorn/domain";
import type { TakenMessage, WorkSource } from "@posthorn/message-bus";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { another, item, message } from "./dispatch.fixture.ts";
import { Lane, type LaneLimits } from "./run-lane.ts";
import { WebhookGates } from "./webhook-gates.ts";

const LIMITS: LaneLimits = { slotsMax: 4, slotsMin: 4, inHandMax: 6, waitingMax: 100, bytesMax: 1_000_000 };

let stack: AsyncDisposableStack;
let began: TakenMessage[];
let happened: string[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  stack = new AsyncDisposableStack();
  [began, happened] = [[], []];
});
afterEach(async () => {
  vi.useRealTimers();
  await stack.disposeAsync();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
const work = (changes: Partial<TakenMessage> = {}) => message({ data: encodeWorkItem(another()), ...changes });

/** A lane whose stream holds these; its dispatches end when they are told to. */
function startLane(waiting: TakenMessage[], limits: Partial<LaneLimits> = {}) {
  let wake: (() => void) | undefined;
  const source = {
    take: (max: number) => waiting.splice(0, Math.min(max, waiting.length)),
    available: async () => {
      if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    },
    reconsider: () => wake?.(),
    [Symbol.dispose]: () => wake?.(),
  };
  const ends = new Map<TakenMessage, () => void>();
  const gates = stack.use(new WebhookGates());
  const lane = new Lane({
    source: source as unknown as WorkSource, // all of it that a lane uses
    limits: { ...LIMITS, ...limits },
    leaseRenewMs: 40_000,
    gates,
    dispatch: {
      run: (taken) => {
        began.push(taken.message);
        return new Promise((resolve) => ends.set(taken.message, resolve));
      },
      park: async () => {},
    },
    events: {
      setAside: (sequence) => happened.push(`set aside ${sequence}`),
      failed: (error) => happened.push(`failed: ${String(error)}`),
      handedBack: (reason) => happened.push(reason),
    },
  });
  const end = (ended: TakenMessage | undefined) => ended !== undefined && ends.get(ended)?.();
  stack.defer(async () => {
    const stopped = lane[Symbol.asyncDispose]();
    for (const finish of ends.values()) finish();
    await stopped;
  });
  return { lane, end, waiting };
}

describe("a lane", () => {
  it("gives one webhook as many slots as it leaves free, and lets the rest of it wait", async () => {
    const { lane, waiting } = startLane(
      Array.from({ length: 10 }, () => work()),
      { slotsMax: 40, slotsMin: 40, inHandMax: 6 },
    );
    await turn();
    expect(began).toHaveLength(3);
    expect(waiting).toHaveLength(0);
    expect(lane.waiting).toBe(7);
  });

  it("counts what takes longer than a second no more as busy, but as in hand", async () => {
    const { end, lane } = startLane(
      Array.from({ length: 9 }, () => work()),
      { slotsMax: 6, slotsMin: 6, inHandMax: 9 },
    );
    await turn();
    expect(began).toHaveLength(3);
    vi.advanceTimersByTime(1_100);
    await turn();
    expect(began.length).toBeGreaterThan(3);
    const held = began.length;
    expect(lane.inHand).toBe(held);
    for (const one of began.slice(0, 3)) end(one);
    await turn();
    expect(began.length).toBeGreaterThan(held);
  });

  it("sets aside what cannot be read, and lets go of what was lost while it waited", async () => {
    const unreadable = message({ data: Buffer.from("no work item"), sequence: 7 });
    const lost = work({ leaseEndsAtMs: () => 0 });
    const good = work();
    startLane([unreadable, lost, good]);
    await turn();
    expect(happened).toEqual(["set aside 7", "lease_lost"]);
    expect(unreadable.isAcked).toBe(true);
    expect(lost.isAcked).toBe(false);
    expect(began).toEqual([good]);
  });

  it("begins each item of a bundle by itself, sets aside those it cannot read, and answers for all at the end", async () => {
    const strange = { ...another(), profile: "unheard-of" } as unknown as WorkItem;
    const bundle = message({ data: encodeWorkBundle([another(), strange, another()]), sequence: 8 });
    const { end, lane } = startLane([bundle]);
    await turn();
    expect(happened).toEqual(["set aside 8"]);
    expect(began).toHaveLength(2);
    expect(lane.inHand).toBe(2);
    for (const share of began) {
      expect(bundle.isAcked).toBe(false);
      share.ack();
      end(share);
    }
    expect(bundle.isAcked).toBe(true);
    await turn();
    expect(lane.inHand).toBe(0);
  });

  it("takes no more bundles than it has slots for", async () => {
    const bundle = () => message({ data: encodeWorkBundle([another(), another()]) });
    const { waiting, lane } = startLane([bundle(), bundle()], { slotsMax: 1, slotsMin: 1 });
    await turn();
    expect([lane.inHand, lane.waiting]).toEqual([1, 1]);
    expect(waiting).toHaveLength(1);
  });

  it("takes nothing more than so many bytes", async () => {
    const bytes = encodeWorkItem(item).length;
    const { waiting } = startLane(
      Array.from({ length: 10 }, () => work()),
      { slotsMax: 2, slotsMin: 2, inHandMax: 100, bytesMax: 2 * bytes },
    );
    await turn();
    expect(waiting.length).toBeGreaterThanOrEqual(6);
  });

  it("extends the leases of what waits and of what is in hand", async () => {
    const extended: string[] = [];
    const leaseEndsAtMs = () => performance.now() + 30_000;
    const names = ["a", "b", "c", "d"];
    startLane(names.map((name) => work({ leaseEndsAtMs, working: () => extended.push(name) })));
    await turn();
    expect(began).toHaveLength(2);
    vi.advanceTimersByTime(2_000);
    expect(extended.toSorted()).toEqual(names);
  });
});
