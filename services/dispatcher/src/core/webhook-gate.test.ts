import { describe, expect, it } from "vitest";
import { IN_FLIGHT_MAX } from "./in-flight-limit.ts";
import type { ReceiverSign } from "./receiver-sign.ts";
import {
  AHEAD_MAX,
  type Answer,
  admittedMax,
  afterAnswer,
  afterDeparture,
  afterEntry,
  afterLeave,
  afterReturn,
  afterWord,
  BRISK_MS,
  isForgettable,
  isOutrun,
  isSlow,
  OPEN_GATE,
  QUIET_MS_MAX,
  SLOW_MS,
  SUCCESSES_TO_TRUST,
  UNUSED_MS_MAX,
  type WebhookGate,
} from "./webhook-gate.ts";

const NO_LAG = 0;

/** One request after the other, each taking so long. */
function exchanges(gate: WebhookGate, signs: readonly ReceiverSign[], durationMs: number, startMs = 0): WebhookGate {
  let nowMs = startMs;
  let current = gate;
  for (const sign of signs) {
    const left = afterDeparture(afterEntry(current), nowMs);
    const answer: Answer = { sign, leftAtMs: nowMs, probe: undefined };
    nowMs += durationMs;
    current = afterLeave(afterAnswer(left, answer, nowMs));
  }
  return current;
}
const times = (count: number, sign: ReceiverSign) => Array.from({ length: count }, () => sign);

describe("silence", () => {
  it("makes a webhook slow after a while, and an answer ends that", () => {
    const two = afterDeparture(afterDeparture(afterEntry(afterEntry(OPEN_GATE)), 0), 500);
    expect(isSlow(two, QUIET_MS_MAX - 1, NO_LAG)).toBe(false);
    expect(isSlow(two, QUIET_MS_MAX, NO_LAG)).toBe(true);
    const one = afterAnswer(two, { sign: "answered", leftAtMs: 0, probe: undefined }, QUIET_MS_MAX);
    expect(isSlow(one, QUIET_MS_MAX, NO_LAG)).toBe(false);
    expect(isSlow(one, 2 * QUIET_MS_MAX, NO_LAG)).toBe(true);
  });

  it("counts from the departure: what waits for a signature is not silent", () => {
    expect(isSlow(afterEntry(OPEN_GATE), 1_000_000, NO_LAG)).toBe(false);
    const departed = afterDeparture(afterEntry(OPEN_GATE), 1_000_000);
    expect(isSlow(departed, 1_000_000 + QUIET_MS_MAX - 1, NO_LAG)).toBe(false);
  });

  it("ends when nothing is outside any more", () => {
    const back = afterReturn(afterDeparture(afterEntry(OPEN_GATE), 0));
    expect(isSlow(back, 10 * QUIET_MS_MAX, NO_LAG)).toBe(false);
  });

  it("is forgiven while the engine itself lags", () => {
    const departed = afterDeparture(afterEntry(OPEN_GATE), 0);
    expect(isSlow(departed, QUIET_MS_MAX + 499, 50)).toBe(false);
    expect(isSlow(departed, QUIET_MS_MAX + 500, 50)).toBe(true);
  });
});

describe("a time-out", () => {
  const timedOut = exchanges(OPEN_GATE, ["silent"], 100);

  it("makes a webhook slow for a while", () => {
    expect(isSlow(timedOut, 100 + SLOW_MS - 1, NO_LAG)).toBe(true);
    expect(isSlow(timedOut, 100 + SLOW_MS, NO_LAG)).toBe(false);
  });

  it("is forgotten after so many successes in a row", () => {
    const trusted = (signs: readonly ReceiverSign[]) => !isSlow(exchanges(timedOut, signs, 1, 200), 300, NO_LAG);
    expect(trusted(times(SUCCESSES_TO_TRUST - 1, "delivered"))).toBe(false);
    expect(trusted(times(SUCCESSES_TO_TRUST, "delivered"))).toBe(true);
    const interrupted: ReceiverSign[] = [...times(SUCCESSES_TO_TRUST - 1, "delivered"), "broken"];
    expect(trusted([...interrupted, "delivered"])).toBe(false);
    expect(trusted([...interrupted, ...times(SUCCESSES_TO_TRUST, "delivered")])).toBe(true);
  });
});

describe("a webhook that cannot take more", () => {
  it("is not outrun as long as it answers briskly with all it may have under way", () => {
    expect(isOutrun(exchanges(OPEN_GATE, times(100, "delivered"), BRISK_MS - 1), 30_000, NO_LAG)).toBe(false);
    expect(isOutrun(OPEN_GATE, 0, NO_LAG)).toBe(false);
  });

  it("is outrun when it takes long for each", () => {
    const leisurely = exchanges(OPEN_GATE, times(100, "delivered"), BRISK_MS);
    expect(isOutrun(leisurely, 30_000, NO_LAG)).toBe(true);
    // Each turn of a busy event loop adds to what looks like its time.
    expect(isOutrun(leisurely, 30_000, 1)).toBe(false);
  });

  it("is not outrun while its attempts wait for the engine, however long it takes for each", () => {
    let waiting = exchanges(OPEN_GATE, times(100, "delivered"), 2 * BRISK_MS);
    for (let attempt = 0; attempt < 64; attempt++) waiting = afterEntry(waiting);
    let departed = waiting;
    for (let attempt = 0; attempt < 32; attempt++) departed = afterDeparture(departed, 60_000);
    expect(isOutrun(waiting, 60_000, NO_LAG)).toBe(false);
    expect(isOutrun(departed, 60_000, NO_LAG)).toBe(true);
  });

  it("is outrun when nothing comes back", () => {
    const departed = afterDeparture(afterEntry(OPEN_GATE), 0);
    expect(isOutrun(departed, BRISK_MS - 1, NO_LAG)).toBe(false);
    expect(isOutrun(departed, BRISK_MS, NO_LAG)).toBe(true);
  });

  it("is outrun while its limit is below the usual", () => {
    const throttled = exchanges(OPEN_GATE, ["throttled"], 1);
    expect(isOutrun(throttled, 2, NO_LAG)).toBe(true);
    expect(isOutrun(exchanges(throttled, times(32, "delivered"), 1, 10), 50, NO_LAG)).toBe(false);
  });

  it("is not outrun by one slow answer among many", () => {
    const gate = exchanges(OPEN_GATE, times(50, "delivered"), 5);
    expect(isOutrun(exchanges(gate, ["delivered"], 2_000, 1_000), 3_000, NO_LAG)).toBe(false);
  });
});

describe("an outage", () => {
  const broken = exchanges(OPEN_GATE, times(20, "broken"), 1);

  it("opens the circuit, which makes the webhook slow", () => {
    expect(broken.circuit).toMatchObject({ kind: "open", generation: 1 });
    expect(isSlow(broken, 1_000_000, NO_LAG)).toBe(true);
  });

  it("ends with a probe, or with word of one: few at a time then, and not slow any more", () => {
    const out = exchanges(OPEN_GATE, times(5, "silent"), 1);
    const left = afterDeparture(afterEntry(out), 10);
    const probed = afterAnswer(left, { sign: "delivered", leftAtMs: 10, probe: { circuitsClosed: 0 } }, 20);
    for (const gate of [afterLeave(probed), afterWord(out, 1)]) {
      expect(gate.circuit).toMatchObject({ kind: "closed", generation: 1 });
      expect(gate.limit.max).toBeLessThanOrEqual(9);
      expect(isSlow(gate, 20, NO_LAG)).toBe(false);
    }
  });

  it("leaves few requests at a time, also where the limit was full", () => {
    expect(broken.limit.max).toBe(64);
    const left = afterDeparture(afterEntry(broken), 10);
    const probed = afterAnswer(left, { sign: "answered", leftAtMs: 10, probe: { circuitsClosed: 0 } }, 20);
    expect([probed.limit.max, afterWord(broken, 1).limit.max]).toEqual([8, 8]);
  });

  it("does not end by word of an earlier one", () => {
    expect(afterWord(broken, 0)).toBe(broken);
  });
});

describe("a gate that can be forgotten", () => {
  it("is one that would do the same anew", () => {
    expect(isForgettable(OPEN_GATE, 0)).toBe(true);
    expect(isForgettable(exchanges(OPEN_GATE, times(3, "delivered"), 1), 10)).toBe(true);
  });

  it("is one with a closed circuit that nobody has used for long", () => {
    const failing = exchanges(OPEN_GATE, ["broken", "throttled"], 1);
    expect(isForgettable(failing, UNUSED_MS_MAX + 1)).toBe(false);
    expect(isForgettable(failing, UNUSED_MS_MAX + 2)).toBe(true);
    expect(isForgettable(afterEntry(failing), 2 * UNUSED_MS_MAX)).toBe(false);
    expect(isForgettable(exchanges(OPEN_GATE, times(20, "broken"), 1), 2 * UNUSED_MS_MAX)).toBe(false);
  });

  it.each<[string, WebhookGate]>([
    ["in use", afterEntry(OPEN_GATE)],
    ["somebody waits outside", afterDeparture(OPEN_GATE, 0)],
    ["throttled", exchanges(OPEN_GATE, ["throttled"], 1)],
    ["failing", exchanges(OPEN_GATE, ["broken"], 1)],
    ["open", exchanges(OPEN_GATE, times(20, "broken"), 1)],
    ["with a generation to remember", afterWord(OPEN_GATE, 1)],
  ])("is none that is %s", (_state, gate) => {
    expect(isForgettable(gate, 10)).toBe(false);
  });
});

describe("attempts ahead of their turn", () => {
  const brisk = exchanges(OPEN_GATE, ["delivered"], BRISK_MS - 1);

  it("are let in for a receiver that answers briskly", () => {
    expect(admittedMax(brisk)).toBe(IN_FLIGHT_MAX + AHEAD_MAX);
  });

  it("are not for one that has never answered, takes its time, or wants less", () => {
    expect(admittedMax(OPEN_GATE)).toBe(IN_FLIGHT_MAX);
    expect(admittedMax(exchanges(OPEN_GATE, ["delivered"], BRISK_MS))).toBe(IN_FLIGHT_MAX);
    expect(admittedMax(exchanges(brisk, ["throttled"], 1, 1_000))).toBe(IN_FLIGHT_MAX / 2);
  });
});
