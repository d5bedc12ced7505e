import { patternMatches } from "@posthorn/domain";
import fc from "fast-check";
import { expect, it } from "vitest";
import { eventFilterOf } from "./event-filter.ts";

const token = () => fc.constantFrom("a", "b-", "_1", "posthorn");
const type = () => fc.array(token(), { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = () =>
  fc.array(fc.oneof(token(), fc.constant("*")), { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));

function accepts(wanted: string, given: string): boolean {
  const filter = eventFilterOf(wanted);
  return filter.kind === "type" ? filter.type === given : new RegExp(filter.expression).test(given);
}

it("finds exactly the types that the pattern matches", () => {
  fc.assert(
    fc.property(pattern(), type(), (wanted, given) => {
      expect(accepts(wanted, given)).toBe(patternMatches(wanted, given));
    }),
    { numRuns: 500 },
  );
});
