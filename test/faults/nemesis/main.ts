/**
 * `npm run faults`: attacks a whole stack at random for some minutes and shows that nothing was lost. Exit codes: 0
 * clean, 1 something was lost, repeated without a reason, or went wrong; 2 wrong usage.
 */

import { appendFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { untilToldToStop } from "../../../deploy/local/stop-request.ts";
import { commandOf, faultsOf, renderReport } from "./report.ts";
import { runFaults } from "./run-faults.ts";
import { parseRunOptions, type RunOptions } from "./run-options.ts";

/** The processes of the stack end with this one, and so does what they were asked for. */
const EXIT_STOPPED = 130;

untilToldToStop(process).addEventListener("abort", () => process.exit(EXIT_STOPPED));
const parsed = parseRunOptions(process.argv.slice(2));
if (parsed.kind === "refused") {
  process.stderr.write(`${parsed.message}\n`);
  process.exitCode = 2;
} else process.exitCode = await run(parsed.options);
process.stdin.destroy();

async function run(options: RunOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "posthorn-faults-"));
  // Postgres may have to run as another user.
  await chmod(folder, 0o711);
  const say = (text: string): void => {
    process.stdout.write(`${text}\n`);
    appendFileSync(join(folder, "run.log"), `${text}\n`);
  };
  try {
    say(commandOf(options));
    const report = await runFaults(options, { folder, say });
    say(renderReport(report));
    if (faultsOf(report).length === 0) {
      await rm(folder, { recursive: true, force: true });
      return 0;
    }
  } catch (error) {
    say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  }
  say(`everything that was recorded is kept in ${folder}`);
  return 1;
}
