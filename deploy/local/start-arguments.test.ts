import { expect, test } from "vitest";
import { ONE_OF_EACH, parseStartArguments } from "./start-arguments.ts";

test("without arguments there is one of each, and a single NATS server", () => {
  expect(parseStartArguments([])).toEqual({ kind: "parsed", counts: ONE_OF_EACH, natsLayout: "single" });
});

test("a NATS cluster may be asked for anywhere among the counts", () => {
  const counts = { ...ONE_OF_EACH, matcher: 2 };
  const expected = { kind: "parsed", counts, natsLayout: "cluster" };
  expect(parseStartArguments(["--nats-cluster", "--matchers", "2"])).toEqual(expected);
  expect(parseStartArguments(["--matchers", "2", "--nats-cluster"])).toEqual(expected);
});

test("counts are taken in both spellings", () => {
  expect(parseStartArguments(["--matchers", "2", "--dispatchers=3"])).toEqual({
    kind: "parsed",
    counts: { ...ONE_OF_EACH, matcher: 2, dispatcher: 3 },
    natsLayout: "single",
  });
});

test.for([
  [["--matcher", "2"], /does not know --matcher; it knows .*--matchers/],
  [["--fast"], /does not know --fast; it knows .*, each with a number, and --nats-cluster\./],
  [["--nats-cluster=2"], /does not know --nats-cluster;/],
  [["2"], /does not know 2/],
  [["--matchers"], /--matchers needs a number from 1 to 16, not nothing/],
  [["--matchers", "0"], /not 0/],
  [["--matchers", "17"], /not 17/],
  [["--matchers", "1.5"], /not 1\.5/],
  [["--matchers=", "2"], /needs a number/],
] as const)("%j is refused in one sentence", ([args, message]) => {
  expect(parseStartArguments(args)).toEqual({ kind: "refused", message: expect.stringMatching(message) });
});
