import type { DeliveryId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { isProbeDue, isTimeForProbe, type ProbePlan, probeSent, startProbing } from "./probe-plan.ts";

const OPENED_MS = 1_000_000;
const MIDDLE = 0.5;
const circuit = { kind: "open", generation: 2, changedAtMs: OPENED_MS } as const;
const probe = { deliveryId: "d" as DeliveryId, attempt: 1, release: 1 };
const settled = (plan: ProbePlan): ProbePlan => ({ ...plan, sent: undefined });

describe("probes", () => {
  it("go 5 s after the circuit opened, then at waits that double up to 5 minutes", () => {
    let plan = startProbing(circuit, OPENED_MS, MIDDLE);
    const waitsS: number[] = [];
    for (let beforeMs = OPENED_MS; waitsS.length < 9; beforeMs = plan.sent?.sentAtMs ?? 0) {
      const sentAtMs = plan.nextAtMs;
      waitsS.push((sentAtMs - beforeMs) / 1_000);
      plan = probeSent(plan, circuit, { ...probe, sentAtMs }, MIDDLE);
    }
    expect(waitsS).toEqual([5, 5, 10, 20, 40, 80, 160, 300, 300]);
  });

  it("are one at a time: the next waits for the outcome of the one before", () => {
    const sent = probeSent(
      startProbing(circuit, OPENED_MS, MIDDLE),
      circuit,
      { ...probe, sentAtMs: OPENED_MS },
      MIDDLE,
    );
    expect(isProbeDue(sent, OPENED_MS + 60_000)).toBe(false);
    expect(isProbeDue(settled(sent), OPENED_MS + 60_000)).toBe(true);
    expect(isProbeDue(settled(sent), OPENED_MS + 4_999)).toBe(false);
  });

  it("are followed by another when nothing was heard of one for two minutes", () => {
    const sent = probeSent(
      startProbing(circuit, OPENED_MS, MIDDLE),
      circuit,
      { ...probe, sentAtMs: OPENED_MS },
      MIDDLE,
    );
    expect(isProbeDue(sent, OPENED_MS + 119_999)).toBe(false);
    expect(isProbeDue(sent, OPENED_MS + 120_000)).toBe(true);
  });

  it("do not wait for clocks that are ahead, nor for one that was set back", () => {
    expect(startProbing(circuit, OPENED_MS - 3_600_000, MIDDLE).nextAtMs).toBe(OPENED_MS - 3_600_000 + 5_000);
    const sent = probeSent(
      startProbing(circuit, OPENED_MS, MIDDLE),
      circuit,
      { ...probe, sentAtMs: OPENED_MS + 300_000 },
      1,
    );
    const anHourBackMs = OPENED_MS - 3_300_000;
    expect([isTimeForProbe(sent, anHourBackMs), isProbeDue(sent, anHourBackMs)]).toEqual([true, true]);
    expect(isTimeForProbe(sent, OPENED_MS + 300_000)).toBe(false);
  });

  it("do not all go at once when a scheduler starts and finds circuits open", () => {
    const nowMs = OPENED_MS + 3_600_000;
    const first = [0, 0.25, 0.999].map((roll) => startProbing(circuit, nowMs, roll).nextAtMs - nowMs);
    expect(first).toEqual([0, 1_250, 4_995]);
  });

  it("are spread by a fifth either way", () => {
    const sentAtMs = OPENED_MS + 100_000;
    const waitsMs = [0, 1].map((roll) => {
      const plan = startProbing(circuit, OPENED_MS, MIDDLE);
      return probeSent(plan, circuit, { ...probe, sentAtMs }, roll).nextAtMs - sentAtMs;
    });
    expect(waitsMs).toEqual([80_000, 120_000]);
  });
});
