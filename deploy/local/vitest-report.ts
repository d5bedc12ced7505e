/** Counts from Vitest's own JSON report. */

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * A file that failed without a failed test, for instance because it could not be loaded or left something open, counts
 * as one failure; so does a run that failed without saying where. `text` is undefined when no report was written.
 */
export function countTests(text: string | undefined, exitedWell: boolean): TestCounts {
  const report = text === undefined ? undefined : parseReport(text);
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((one) => one.status !== "failed"),
  ).length;
  const counted = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: counted === 0 && !exitedWell ? 1 : counted,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

function parseReport(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report; // Vitest's documented format
  } catch {
    return undefined;
  }
}
