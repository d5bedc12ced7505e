/** What hostile filters cost on the largest payload. The bound of time is loose; the bound of cost is exact. */

import { limits } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { compileFilter } from "./compile-filter.ts";
import { type FilterSubject, readFilterSubject } from "./filter-subject.ts";

/** Some thirty times the slowest on an idle machine, and a thousandth of what the same would take without a meter. */
const EVALUATION_MS_MAX = 1_000;

const NUMBERS = subject(`{"l":[${fill("1")}],"s":"a"}`);
const OBJECTS = subject(`{"l":[${fill('{"a":1}')}]}`);
const ROWS = subject(
  `{"l":[${Array(250)
    .fill(`[${Array(500).fill("1").join(",")}]`)
    .join(",")}]}`,
);
const TEXTS = subject(`{"s":"${"a".repeat(100_000)}","t":"${"a".repeat(100_000)}","l":[${Array(20_000).fill("1")}]}`);
const KEYS = subject(`{"m":{${Array.from({ length: 15_000 }, (_, index) => `"k${index}":${index}`)}}}`);

describe("an evaluation ends when its cost is used up", () => {
  it.each([
    ["a loop over everything", "data.l.all(x, x == 1)", NUMBERS],
    ["a loop in a loop", "data.l.all(x, data.l.all(y, x == y))", NUMBERS],
    ["an inner loop over rows", "data.l.all(x, x.all(y, data.l.all(z, z != y)))", ROWS],
    ["a loop of failures", "data.l.all(x, x.b.c)", OBJECTS],
    ["equality with everything", "data.l.exists(x, x == data.l || data.l == data.l && false)", ROWS],
    ["membership in a loop", 'data.l.exists(x, "q" in data.l)', NUMBERS],
    ["a search in a loop", 'data.l.exists(x, data.s.contains("aaaab"))', TEXTS],
    ["a comparison of texts in a loop", "data.l.exists(x, data.s < data.t)", TEXTS],
    ["an equality of texts in a loop", "data.l.all(x, data.s == data.t)", TEXTS],
    ["a sum of texts in a loop", "data.l.all(x, data.s + data.t == data.t + data.s)", TEXTS],
    ["code points in a loop", "data.l.exists(x, data.s.size() == 3)", TEXTS],
    ["a number looked up in a map", "data.m.exists(k, data.m[data.m[k]] == 1)", KEYS],
    ["a number sought in a map", "data.m.exists(k, 1 in data.m)", KEYS],
    ["a text sought in a text", "data.s.contains(data.t + 'b')", TEXTS],
    ["conversions in a loop", `data.l.all(x, ${Array(20).fill('timestamp("z") > timestamp("z")').join("||")})`, ROWS],
  ])("%s", (_, source, on) => {
    const startedAt = performance.now();
    expect(evaluate(source, on)).toEqual({ kind: "error", message: "the filter costs too much on this event" });
    expect(performance.now() - startedAt).toBeLessThan(EVALUATION_MS_MAX);
  });

  it.each([
    ["thousands of small elements", "data.l.exists(x, x == 2)", subject(`{"l":[${Array(5_000).fill("1")}]}`), "fails"],
    ["a tree, each element once", "data.l.all(x, x.all(y, y == 1))", subject(`{"l":[[1,1],[1]]}`), "passes"],
    ["a search in the largest text", 'data.s.contains("needle-of-20-letters")', TEXTS, "fails"],
    ["one equality with everything", "data.l == data.l", subject(`{"l":[${Array(20_000).fill("1")}]}`), "passes"],
  ])("leaves room for %s", (_, source, on, expected) => {
    expect(evaluate(source, on).kind).toBe(expected);
  });

  it("comes to the same end every time, also after one that ended early", () => {
    const sound = evaluate('data.s == "a"', NUMBERS);
    evaluate("data.l.all(x, x == 1)", NUMBERS);
    expect(evaluate('data.s == "a"', NUMBERS)).toEqual(sound);
    expect(sound).toEqual({ kind: "passes" });
  });

  it("does not add lists, which would make chains", () => {
    expect(evaluate("(data.l + data.l).size() > 0", subject('{"l":[1]}'))).toEqual({
      kind: "error",
      message: "lists cannot be added in a filter",
    });
  });

  it("converts short texts only", () => {
    expect(evaluate("int(data.s) > 0", TEXTS)).toEqual({
      kind: "error",
      message: "a text of more than 64 characters cannot be converted",
    });
  });
});

describe("data that cannot be looked at", () => {
  it.each([
    ["not JSON", "{", "JSON"],
    ["nested without end", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, ""],
    ["nested too deep", `${"[".repeat(502)}${"]".repeat(502)}`, "data is nested more than 500 deep"],
  ])("%s", (_, text, message) => {
    expect(readFilterSubject("a", text)).toEqual({ kind: "unreadable", message: expect.stringContaining(message) });
  });

  it("reads what is nested as deep as allowed", () => {
    expect(readFilterSubject("a", `${"[".repeat(500)}1${"]".repeat(500)}`).kind).toBe("ready");
  });
});

function fill(element: string): string {
  return Array(Math.floor((limits.EVENT_DATA_BYTES_MAX - 20) / (element.length + 1)))
    .fill(element)
    .join(",");
}

function subject(text: string): FilterSubject {
  const read = readFilterSubject("order.paid", text);
  if (read.kind === "unreadable") throw new Error(read.message);
  return read.subject;
}

function evaluate(source: string, on: FilterSubject) {
  const compiled = compileFilter(source);
  if (compiled.kind === "refused") throw new Error(compiled.message);
  return compiled.filter.evaluate(on);
}
