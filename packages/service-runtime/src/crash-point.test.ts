import { expect, test } from "vitest";
import { createCrashPoint } from "./crash-point.ts";

/** At which of ten passings, alternating with those of another point, it dies. */
function deathsOf(specification: string | undefined): readonly number[] {
  const deaths: number[] = [];
  let passing = 0;
  const crashPoint = createCrashPoint(specification, () => deaths.push(passing));
  for (passing = 1; passing <= 10; passing += 1) {
    crashPoint("ingest.stored");
    crashPoint("ingest.stored-twice");
  }
  return deaths;
}

test.for([
  [undefined, []],
  ["", []],
  ["ingest.stored", [1]],
  ["ingest.stored:1", [1]],
  ["ingest.stored:3", [3]],
  ["ingest.stored-twice:4", [4]],
  ["ingest.store", []],
  ["ingest.stored:11", []],
] as const)("a process told %j dies at the passings %j of its point and never else", ([specification, passings]) => {
  expect(deathsOf(specification)).toEqual(passings);
});

test.for(["ingest.stored:0", "ingest.stored:-1", "ingest.stored:x", "ingest.stored:", "Ingest", ":3", " "])(
  "%j names no point and is refused, not passed over",
  (specification) => {
    expect(() => createCrashPoint(specification, () => {})).toThrow(/POSTHORN_CRASH_POINT is .*; it must be a name/);
  },
);

test("without a name every process has the same empty function", () => {
  expect(createCrashPoint(undefined, () => {})).toBe(createCrashPoint("", () => {}));
});
