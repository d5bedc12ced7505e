import { expect, test } from "vitest";
import { countTests } from "./vitest-report.ts";

function report(changes: object): string {
  const clean = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  return JSON.stringify({ ...clean, ...changes });
}

test("counts come from the report", () => {
  const text = report({ numPassedTests: 7, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 });
  expect(countTests(text, false)).toEqual({ passed: 7, failed: 2, skipped: 2 });
});

test("a file that failed as a whole counts as one failure", () => {
  const testResults = [
    { status: "failed", assertionResults: [] },
    { status: "failed", assertionResults: [{ status: "passed" }] },
    { status: "failed", assertionResults: [{ status: "failed" }] },
  ];
  expect(countTests(report({ numFailedTests: 1, testResults }), false)).toMatchObject({ failed: 3 });
});

test("a run that failed without a failed test counts as one failure, and so does one without a report", () => {
  expect(countTests(report({}), true)).toMatchObject({ passed: 5, failed: 0 });
  expect(countTests(report({}), false)).toMatchObject({ passed: 5, failed: 1 });
  expect(countTests(undefined, true)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countTests("not JSON", false)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
