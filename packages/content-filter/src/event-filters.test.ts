import { describe, expect, it, vi } from "vitest";
import { EventFilters } from "./event-filters.ts";
import { COMPILED_FILTERS_MAX } from "./limits.ts";

const event = (data: unknown) => ({ type: "order.paid", data: Buffer.from(JSON.stringify(data)) });

describe("the filters of an event", () => {
  it("answers each filter on the same data", () => {
    const evaluate = new EventFilters().evaluatorOf(event({ amount: 5, note: "grün" }));
    expect(evaluate("data.amount > 3.0")).toEqual({ kind: "passes" });
    expect(evaluate("data.amount > 7.0")).toEqual({ kind: "fails" });
    expect(evaluate('data.note == "grün" && type == "order.paid"')).toEqual({ kind: "passes" });
  });

  it("reads data once, and not before a filter asks", () => {
    const parse = vi.spyOn(JSON, "parse");
    try {
      const evaluate = new EventFilters().evaluatorOf(event({ a: 1 }));
      expect(parse).not.toHaveBeenCalled();
      evaluate("data.a == 1");
      evaluate("data.a == 2");
      expect(parse).toHaveBeenCalledTimes(1);
    } finally {
      parse.mockRestore();
    }
  });

  it("reads the event's own bytes out of a larger message", () => {
    const message = Buffer.from('xx{"a":1}yy');
    const evaluate = new EventFilters().evaluatorOf({ type: "t", data: message.subarray(2, 9) });
    expect(evaluate("data.a == 1")).toEqual({ kind: "passes" });
  });

  it("lets nothing through a filter that is not one, or when the data cannot be read", () => {
    const filters = new EventFilters();
    expect(filters.evaluatorOf(event({}))("data.a ===")).toMatchObject({ kind: "error" });
    const unreadable = filters.evaluatorOf({ type: "t", data: Buffer.from("{") });
    expect(unreadable("true")).toMatchObject({ kind: "error" });
  });

  it("keeps answering when there are more filters than it remembers", () => {
    const filters = new EventFilters();
    const evaluate = filters.evaluatorOf(event({ a: 1 }));
    for (let number = 0; number <= COMPILED_FILTERS_MAX; number += 1) {
      expect(evaluate(`data.a == ${number}.0`).kind).toBe(number === 1 ? "passes" : "fails");
    }
    expect(evaluate("data.a == 1.0")).toEqual({ kind: "passes" });
  });
});
