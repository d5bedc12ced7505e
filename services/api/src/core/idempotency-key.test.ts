import { describe, expect, it } from "vitest";
import { readIdempotencyKey, withoutSecrets } from "./idempotency-key.ts";

describe("an Idempotency-Key", () => {
  it.each([
    ["abc", "abc"],
    ['"abc"', "abc"],
    [" abc ", "abc"],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['a"b', 'a"b'],
    ["a\\b", "a\\b"],
    ["!~", "!~"],
    ["x".repeat(255), "x".repeat(255)],
    [`"${"x".repeat(255)}"`, "x".repeat(255)],
  ])("written as %s is %s", (header, key) => {
    expect(readIdempotencyKey(header)).toEqual({ kind: "given", key });
  });

  it.each(["", '""', "a b", "a, b", '"a', '"a"b', '"a";v=1', '"\\a"', "é", "a\tb", "x".repeat(256)])(
    "cannot be %j",
    (header) => {
      expect(readIdempotencyKey(header)).toEqual({ kind: "malformed" });
    },
  );

  it("may be absent, and is not when it comes more than once", () => {
    expect(readIdempotencyKey(undefined)).toEqual({ kind: "absent" });
    expect(readIdempotencyKey(["a", "b"])).toEqual({ kind: "malformed" });
  });
});

it("what is kept of an answer has no secret, and all else", () => {
  expect(withoutSecrets({ id: 1, secret: "s", key: null }, ["secret"])).toEqual({ id: 1, key: null });
  expect(withoutSecrets({ id: 1 }, [])).toEqual({ id: 1 });
});
