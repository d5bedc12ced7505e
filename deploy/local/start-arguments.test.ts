import { expect, test } from "vitest";
import { ONE_OF_EACH, parseStartArguments } from "./start-arguments.ts";

test("without arguments there is one of each", () => {
  expect(parseStartArguments([])).toEqual({ kind: "parsed", counts: ONE_OF_EACH });
});

test("counts are taken in both spellings", () => {
  expect(parseStartArguments(["--matchers", "2", "--dispatchers=3"])).toEqual({
    kind: "parsed",
    counts: { ...ONE_OF_EACH, matcher: 2, dispatcher: 3 },
  });
});

test.for([
  [["--matcher", "2"], /does not know --matcher; it knows .*--matchers/],
  [["--fast"], /does not know --fast/],
  [["2"], /does not know 2/],
  [["--matchers"], /--matchers needs a number from 1 to 16, not nothing/],
  [["--matchers", "0"], /not 0/],
  [["--matchers", "17"], /not 17/],
  [["--matchers", "1.5"], /not 1\.5/],
  [["--matchers=", "2"], /needs a number/],
] as const)("%j is refused in one sentence", ([args, message]) => {
  expect(parseStartArguments(args)).toEqual({ kind: "refused", message: expect.stringMatching(message) });
});
