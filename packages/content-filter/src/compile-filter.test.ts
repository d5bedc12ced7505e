import { type FilterVerdict, limits } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileFilter, type Filter } from "./compile-filter.ts";
import { readFilterSubject } from "./filter-subject.ts";

const ORDER = {
  status: "paid",
  amount: 120.5,
  count: 3,
  customer: { tier: "gold", vip: true, note: null },
  tags: ["new", 7, "gift"],
  items: [
    { sku: "A1", count: 1, parts: [{ id: "p1" }] },
    { sku: "B7", count: 2, parts: [{ id: "p2" }, { id: "p3" }] },
  ],
  placedAt: "2026-03-24T13:37:00Z",
};

describe("what a filter decides", () => {
  it.each([
    ['data.status == "paid"', "passes"],
    ['data["status"] != "paid"', "fails"],
    ["data.amount > 100", "passes"],
    ["data.amount > 100.0 && data.amount <= 120.5", "passes"],
    ["data.count == 3", "passes"],
    ["data.count + 1.0 == 4.0", "passes"],
    ["int(data.count) % 2 == 1", "passes"],
    ["data.customer.vip", "passes"],
    ["!data.customer.vip", "fails"],
    ["data.customer.note == null", "passes"],
    ["has(data.customer.tier) && !has(data.customer.name)", "passes"],
    ["has(data.customer.note) || 'note' in data.customer", "fails"],
    ['has(data.customer.name) && data.customer.name == "x"', "fails"],
    ['"gift" in data.tags', "passes"],
    ['data.customer.tier in ["gold", "platinum"]', "passes"],
    ['"sku" in data.items[0]', "passes"],
    ['data.items.exists(i, i.sku == "B7" && i.count >= 2)', "passes"],
    ['data.items.all(i, i.sku.startsWith("A"))', "fails"],
    ["data.items.exists_one(i, i.count == 2)", "passes"],
    ['data.items.exists(i, i.parts.exists(p, p.id == "p3"))', "passes"],
    ["data.customer.exists(k, k == 'tier')", "passes"],
    ["data.tags.size() == 3 && size(data.status) == 4", "passes"],
    ['type == "order.paid" || type.endsWith(".refunded")', "passes"],
    ['type.contains("refund")', "fails"],
    ['data.count > 2 ? data.status == "paid" : false', "passes"],
    ['timestamp(data.placedAt) < timestamp("2026-04-01T00:00:00Z")', "passes"],
    ['timestamp(data.placedAt) - timestamp("2026-03-24T13:00:00Z") > duration("36m")', "passes"],
    ['data.status + "!" == "paid!"', "passes"],
    ["data.items[0] == data.items[0]", "passes"],
    ["data == 1", "fails"],
  ])("%s: %s", (source, expected) => {
    const compiled = compileFilter(source);
    expect(compiled.kind === "compiled" ? verdictOn(compiled.filter, ORDER).kind : compiled.kind).toBe(expected);
  });

  it("compares values of different types as unequal instead of failing", () => {
    expect(verdict('data.count == "3"', ORDER)).toEqual({ kind: "fails" });
    expect(verdict("data.customer != null", ORDER)).toEqual({ kind: "passes" });
  });

  it("does not pass, and says why, when something is missing or of another type", () => {
    expect(verdict('data.nothing == "x"', ORDER)).toEqual({ kind: "error", message: "field not found: nothing" });
    expect(verdict("data.status > 3", ORDER).kind).toBe("error");
    expect(verdict("data.status", ORDER)).toEqual({
      kind: "error",
      message: "the filter gave neither true nor false",
    });
    expect(verdict("data.customer.tier.x == 1", ORDER).kind).toBe("error");
    expect(verdict("data.items[9].sku == 'A1'", ORDER).kind).toBe("error");
  });

  it("passes when one side of || or && decides, whatever the other side lacks", () => {
    expect(verdict("data.nothing == 1 || data.count == 3", ORDER)).toEqual({ kind: "passes" });
    expect(verdict("data.nothing == 1 && data.count == 4", ORDER)).toEqual({ kind: "fails" });
  });

  it("sees integers beyond 2^53 as the nearest double", () => {
    expect(verdictOnText("data.big == 9007199254740992", '{"big":9007199254740993}')).toEqual({ kind: "passes" });
    expect(verdictOnText("data.big > 1e300", '{"big":1e400}')).toEqual({ kind: "passes" });
  });

  it.each(["constructor", "__proto__", "toString", "hasOwnProperty"])("takes a member %s as any other", (name) => {
    const text = `{"${name}":{"a":1}}`;
    expect(verdictOnText(`data["${name}"].a == 1`, text)).toEqual({ kind: "passes" });
    expect(verdictOnText(`has(data.${name})`, "{}")).toEqual({ kind: "fails" });
    expect(verdictOnText(`data["${name}"] == null`, "{}").kind).toBe("error");
  });
});

describe("what is refused", () => {
  it.each([
    ["", "the filter is empty"],
    ["data.a ==", "line 1, column 8: found = but expecting end of input"],
    ["data.a = 1", "line 1, column 8: found"],
    ["data.customer.vip", undefined],
    ["data.count + 1.0", "true or false, not a double"],
    ["type", "line 1, column 1: the filter must give true or false, not a string; compare it with something"],
    ["size(data.tags)", "line 1, column 1: the filter must give true or false, not a int; compare it with something"],
    ["data.count + 1 > 3", "line 1, column 12: numbers in data are doubles: write 1.0 instead of 1"],
    ["data.count % 2 == 0", "numbers in data are doubles"],
    ['1 + "a" == 2', "there is no int + string"],
    ["order.status == 1", 'line 1, column 1: there is no "order": a filter sees "type" and "data"'],
    ["data.a && 5", "true or false is needed here, not a int"],
    ["data.items.all(i, 5)", "true or false is needed here, not a int"],
    ['data.s.matches("(a+)+$")', "matches cannot be used in a filter: use startsWith, endsWith or contains"],
    ["data.l.map(x, x + x) == []", "map cannot be used in a filter: use exists or all"],
    ["data.l.filter(x, x > 1.0).size() > 0", "filter cannot be used in a filter: use exists or all"],
    ["data.x == {'a': 1}", "maps cannot be written in a filter"],
    ["google.protobuf.Timestamp{seconds: 1} == data", "maps cannot be written in a filter"],
    ["type.status == 1", 'a string has no "status"'],
    ["size(data, data) == 1", "size() takes 1 value"],
    ["data.s.startsWith() ", "startsWith() takes 1 value"],
    ["dyn(data) == data", "dyn cannot be used in a filter"],
    ["uint(data.a) == 1u", "uint cannot be used in a filter"],
    ["data.f(1)", "f cannot be used in a filter"],
    ["@step(1)", "line 1, column 1: found"],
    ["true ? 1 : 'a'", 'both sides of ":" must be of one type'],
  ])("%s: %s", (source, message) => {
    const result = compileFilter(source);
    if (message === undefined) expect(result.kind).toBe("compiled");
    else expect(result).toEqual({ kind: "refused", message: expect.stringContaining(message) });
  });

  it("says where, over several lines", () => {
    expect(compileFilter('data.a == 1 &&\n  nothing == "x"')).toEqual({
      kind: "refused",
      message: expect.stringContaining("line 2, column 3: "),
    });
  });

  it("bounds length, parts and depth", () => {
    const longest = `data.a == "${"x".repeat(limits.FILTER_LENGTH_MAX - 12)}"`;
    expect(compileFilter(longest).kind).toBe("compiled");
    expect(compileFilter(`${longest} `)).toEqual({
      kind: "refused",
      message: "a filter has at most 1024 characters, this one has 1025",
    });
    expect(compileFilter("a".repeat(1_000_000)).kind).toBe("refused");
    expect(compileFilter(`[${"1,".repeat(500)}1] == data`)).toEqual({
      kind: "refused",
      message: expect.stringContaining("a filter has at most 400 parts"),
    });
    for (const deep of [
      "(".repeat(500),
      "[".repeat(500),
      "!".repeat(1_000),
      "-".repeat(900),
      `data${".a".repeat(400)}`,
    ]) {
      const closed = deep.startsWith("(") ? `${deep}data${")".repeat(500)}` : `${deep}data`;
      const result = compileFilter(closed);
      if (result.kind === "compiled") expect(verdictOn(result.filter, {}).kind).toBe("error");
    }
    expect(compileFilter(`data${".a".repeat(40)}`)).toEqual({
      kind: "refused",
      message: expect.stringContaining("at most 32 deep"),
    });
  });
});

describe("any text and any data", () => {
  const words = [
    "data",
    "type",
    ".a",
    "==",
    "&&",
    "||",
    "(",
    ")",
    "[",
    "]",
    "1",
    '"x"',
    "has(",
    ".exists(x,",
    " x ",
    "!",
  ];

  it("compiles or refuses, and evaluates without throwing", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join(" ")),
        ),
        fc.jsonValue(),
        (source, data) => {
          const result = compileFilter(source);
          if (result.kind === "refused") return result.message.length > 0;
          return ["passes", "fails", "error"].includes(verdictOn(result.filter, data).kind);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("finds exactly the members that are equal", () => {
    const member = fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.integer({ min: -5, max: 5 }),
      fc.boolean(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(member), member, (list, wanted) => {
        const literal = JSON.stringify(wanted);
        const expected = list.includes(wanted) ? "passes" : "fails";
        const exists = verdict(`data.exists(x, x == ${literal})`, list).kind;
        return exists === expected && verdict(`${literal} in data`, list).kind === expected;
      }),
    );
  });
});

function verdict(source: string, data: unknown): FilterVerdict {
  return verdictOnText(source, JSON.stringify(data));
}

function verdictOnText(source: string, dataText: string): FilterVerdict {
  const compiled = compileFilter(source);
  if (compiled.kind === "refused") throw new Error(compiled.message);
  return onText(compiled.filter, dataText);
}

function verdictOn(filter: Filter, data: unknown): FilterVerdict {
  return onText(filter, JSON.stringify(data));
}

function onText(filter: Filter, dataText: string): FilterVerdict {
  const read = readFilterSubject("order.paid", dataText);
  if (read.kind === "unreadable") throw new Error(read.message);
  return filter.evaluate(read.subject);
}
