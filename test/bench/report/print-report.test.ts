import { expect, it } from "vitest";
import { number, printReport } from "./print-report.ts";
import { circumstances, measured } from "./report.fixture.ts";
import { makeReport } from "./report.ts";

it("prints the circumstances, the bare loop, what bounds the run, and every figure with its ratio and aim", () => {
  const lines = printReport(makeReport({ ...circumstances, isChanged: true }, measured));
  expect(lines.slice(0, 13)).toEqual([
    "commit 0123456789ab with changes, 2026-01-02T03:04:05.678Z, size full",
    "2 cores of a processor, Node v24.0.0, receiver nginx, load by wrk",
    "bare loop (one process signs and POSTs over 64 connections): 10,000/s before, 12,000/s after;",
    "  with a prepared key 30,000/s before, 20,000/s after. The better one counts.",
    "generator straight to the receiver: 150,000 events/s in batches, 40,000 single requests/s",
    "",
    "scenario     figure                    value  of bare loop  prepared key  aim",
    "-----------  ----------------------  -------  ------------  ------------  -------------------------",
    "sustained-1  deliveries              4,200/s         0.350         0.140  >= 0.333 of bare loop met",
    "             until history complete   61.3 s",
    "latency-200  p99                       31 ms                              <= 30 MISSED",
    "             shown                      none",
    "",
  ]);
});

it("prints what each process took, with the sum where it means something", () => {
  const text = printReport(makeReport(circumstances, measured)).join("\n");
  expect(text).toContain(
    [
      "CPU µs for one delivery or event",
      "scenario     dispatcher  generator  all",
      "-----------  ----------  ---------  ---",
      "sustained-1         120       4.25  125",
      "",
      "CPU, % of one core",
      "scenario     dispatcher  generator   all",
      "-----------  ----------  ---------  ----",
      "sustained-1        60.2       2.10  62.3",
      "",
      "memory at the end, MB (PSS)",
      "scenario     dispatcher  generator",
      "-----------  ----------  ---------",
      "sustained-1         300       90.5",
    ].join("\n"),
  );
});

it.each([
  [12_345.6, "12,346"],
  [99.94, "99.9"],
  [7, "7"],
  [0.123, "0.12"],
  [-3.456, "-3.46"],
  [Number.NaN, "none"],
])("prints %s as %s", (value, text) => {
  expect(number(value)).toBe(text);
});
