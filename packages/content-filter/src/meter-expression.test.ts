/** The meter changes what an expression costs, never what it means: both ways of running it agree on any data. */

import { celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { compileFilter } from "./compile-filter.ts";
import { readFilterSubject } from "./filter-subject.ts";

const SOURCES = [
  'data.a == "x"',
  "data == data.a",
  "data.a != data.b",
  'data.a in ["x", "y"]',
  '"a" in data',
  "1 in data",
  "data[0] == data[1]",
  "data[data[0]] == 1.0",
  "has(data.a.b)",
  "has(data[0].b)",
  "data.a < data.b",
  "size(data) > 1",
  "data.a.size() == 1 || data.b",
  "data.exists(x, x == 1)",
  "data.all(x, x != null && x != 2)",
  "data.exists_one(x, x == true)",
  "data.exists(x, x.exists(y, y == x))",
  "data.all(k, data[k] == data[k])",
  'data.a.contains("x") || data.a.startsWith("y") || data.b.endsWith("z")',
  "double(data.a) > 1.0 && int(data.b) < 5",
  'data.a ? string(data.b) == "1" : !data.b',
];

it.each(SOURCES)("%s", (source) => {
  const compiled = compileFilter(source);
  if (compiled.kind === "refused") throw new Error(compiled.message);
  const { filter } = compiled;
  const unmetered = plan(celEnv(), parse(source));
  fc.assert(
    fc.property(smallJson(), (data) => {
      const read = readFilterSubject("t", JSON.stringify(data));
      if (read.kind === "unreadable") throw new Error(read.message);
      const plain = unmetered({ type: "t", data: read.subject.data });
      const expected = plain === true ? "passes" : plain === false ? "fails" : "error";
      const verdict = filter.evaluate(read.subject);
      expect(verdict.kind).toBe(expected);
      if (verdict.kind === "error" && isCelError(plain)) expect(verdict.message).toBe(plain.message);
    }),
    { numRuns: 200 },
  );
});

function smallJson(): fc.Arbitrary<unknown> {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false, 0, 1, 2, "x", "y", "1"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3 }),
    ),
  }));
  return value;
}
