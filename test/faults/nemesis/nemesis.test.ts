import { createTestFolder } from "@posthorn/testkit";
import { expect, it } from "vitest";
import { sized } from "../sizes.ts";
import { faultsOf, renderReport } from "./report.ts";
import { runFaults } from "./run-faults.ts";
import { parseRunOptions } from "./run-options.ts";

const SECONDS_PER_MINUTE = 60;
/** What these two had in hand comes again after a lease of a minute: only the full size has time for it. */
const SPARED = sized({ short: 1, full: 0 }) === 1 ? ["--spare", "dispatcher", "--spare", "nats"] : [];

it("loses nothing while processes are killed, frozen and restarted at random", async () => {
  const minutes = sized({ short: 10, full: 120 }) / SECONDS_PER_MINUTE;
  const args = ["--minutes", String(minutes), "--seed", "5", "--rate", "100", ...SPARED];
  const parsed = parseRunOptions(args);
  if (parsed.kind === "refused") throw new Error(parsed.message);
  const lines: string[] = [];
  const folder = await createTestFolder("faults");
  const report = await runFaults(parsed.options, { folder, say: (line) => lines.push(line) });
  console.log(renderReport(report));
  expect(faultsOf(report), [...lines, renderReport(report)].join("\n")).toEqual([]);
  expect(report.acts.length).toBeGreaterThan(0);
  expect(report.verdict.events).toBeGreaterThan(0);
}, 600_000);
