import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  circuitAfter,
  circuitAfterProbe,
  circuitToldOf,
  FAILURES_TO_OPEN,
  type GateCircuit,
  TIMEOUTS_TO_OPEN,
  UNTRIED_CIRCUIT,
} from "./gate-circuit.ts";
import type { ReceiverSign } from "./receiver-sign.ts";

const after = (signs: readonly ReceiverSign[], circuit = UNTRIED_CIRCUIT) => signs.reduce(circuitAfter, circuit);
const times = (count: number, sign: ReceiverSign) => Array.from({ length: count }, () => sign);
const open: GateCircuit = { ...UNTRIED_CIRCUIT, kind: "open", generation: 3 };
const closed: GateCircuit = { ...UNTRIED_CIRCUIT, generation: 3 };

describe("a closed circuit", () => {
  it("opens after so many time-outs in a row, and not before", () => {
    expect(after(times(TIMEOUTS_TO_OPEN - 1, "silent")).kind).toBe("closed");
    expect(after(times(TIMEOUTS_TO_OPEN, "silent"))).toMatchObject({ kind: "open", generation: 1 });
  });

  it.each(["broken", "overloaded"] as const)("opens after more failures of another kind: %s", (sign) => {
    expect(after(times(FAILURES_TO_OPEN - 1, sign)).kind).toBe("closed");
    expect(after(times(FAILURES_TO_OPEN, sign)).kind).toBe("open");
  });

  it("counts time-outs among other failures like these", () => {
    const mixed: ReceiverSign[] = ["broken", ...times(FAILURES_TO_OPEN - 2, "silent")];
    expect(after(mixed).kind).toBe("closed");
    expect(after([...mixed, "silent"]).kind).toBe("open");
  });

  it.each(["delivered", "answered", "throttled"] as const)(
    "begins to count anew when the receiver answers: %s",
    (sign) => {
      expect(
        after([...times(TIMEOUTS_TO_OPEN - 1, "silent"), sign, ...times(TIMEOUTS_TO_OPEN - 1, "silent")]).kind,
      ).toBe("closed");
    },
  );

  it("is not moved by what was never sent", () => {
    expect(after([...times(TIMEOUTS_TO_OPEN - 1, "silent"), "none", "silent"]).kind).toBe("open");
  });

  it("opens with the generation after the highest one heard of", () => {
    expect(after(times(TIMEOUTS_TO_OPEN, "silent"), circuitToldOf(UNTRIED_CIRCUIT, 7)).generation).toBe(8);
  });
});

describe("an open circuit", () => {
  it.each(["delivered", "answered", "throttled", "overloaded", "broken", "silent", "none"] as const)(
    "is not moved by what was under way: %s",
    (sign) => {
      expect(circuitAfter(open, sign)).toEqual(open);
    },
  );

  it.each(["delivered", "answered", "throttled"] as const)("is closed by a probe that is answered: %s", (sign) => {
    expect(circuitAfterProbe(open, sign, 2)).toEqual(closed);
  });

  it.each(["overloaded", "broken", "silent", "none"] as const)("stays open after a probe that fails: %s", (sign) => {
    expect(circuitAfterProbe(open, sign, 2)).toEqual(open);
  });

  it("is closed by word of its own generation, or a later one, and not by word of an earlier one", () => {
    expect(circuitToldOf(open, 2)).toEqual(open);
    expect(circuitToldOf(open, 3)).toEqual(closed);
    expect(circuitToldOf(open, 5)).toEqual({ ...closed, generation: 5 });
  });
});

describe("a closed circuit elsewhere", () => {
  it("is closed by the probe of the generation that its terms leave open", () => {
    expect(circuitAfterProbe(UNTRIED_CIRCUIT, "delivered", 3).generation).toBe(4);
    expect(circuitAfterProbe({ ...closed, generation: 6 }, "delivered", 3).generation).toBe(6);
  });

  it("keeps its count of failures when it hears of a generation", () => {
    const failing = after(times(TIMEOUTS_TO_OPEN - 1, "silent"));
    expect(circuitAfter(circuitToldOf(failing, 2), "silent")).toMatchObject({ kind: "open", generation: 3 });
  });
});

it("never goes back in generations, and opens with a new one", () => {
  const sign = fc.constantFrom<ReceiverSign>("delivered", "answered", "overloaded", "broken", "silent", "none");
  const step = fc.oneof(
    { weight: 8, arbitrary: sign.map((its) => (circuit: GateCircuit) => circuitAfter(circuit, its)) },
    fc.tuple(sign, fc.nat(5)).map(
      ([its, n]) =>
        (circuit: GateCircuit) =>
          circuitAfterProbe(circuit, its, n),
    ),
    fc.nat(5).map((n) => (circuit: GateCircuit) => circuitToldOf(circuit, n)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let circuit = UNTRIED_CIRCUIT;
      for (const next of steps) {
        const before = circuit;
        circuit = next(before);
        expect(circuit.generation).toBeGreaterThanOrEqual(before.generation);
        if (before.kind === "closed" && circuit.kind === "open") {
          expect(circuit.generation).toBe(before.generation + 1);
        }
        expect(circuit.failures).toBeLessThan(circuit.onlyTimeouts && circuit.failures > 0 ? 5 : 20);
      }
    }),
  );
});
