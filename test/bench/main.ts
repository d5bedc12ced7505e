/**
 * `npm run bench`: runs the whole engine as processes on this machine and measures it against a bare loop of the same
 * run. Absolute figures drift with the machine; the ratio is what counts. Prints a table and writes bench.json.
 */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startTestStack } from "../../deploy/local/test-stack.ts";
import { type FastReceiver, startFastReceiver } from "./fast-receiver.ts";
import type { BenchContext, ScenarioResult } from "./scenario.ts";
import { latency } from "./scenarios/latency.ts";
import { sustained } from "./scenarios/sustained.ts";

const BARE_LOOP = fileURLToPath(new URL("bare-loop.ts", import.meta.url));
const BARE_LOOP_SECONDS = 3;
const BODY_BYTES = 1_100;

const { values } = parseArgs({
  options: {
    deliveries: { type: "string", default: "40000" },
    seconds: { type: "string", default: "15" },
    output: { type: "string", default: "bench.json" },
  },
});

const folder = await mkdtemp(join(tmpdir(), "posthorn-bench-"));
try {
  await using receiver = await startFastReceiver(join(folder, "receiver"));
  const before = await bareLoops(receiver);
  await using stack = await startTestStack({ dataDir: join(folder, "data") });
  const results = await runScenarios({ stack, receiver });
  const after = await bareLoops(receiver);
  const bare = { bytes: Math.max(before.bytes, after.bytes), object: Math.max(before.object, after.object) };
  print(receiver, bare, results);
  const report = {
    node: process.version,
    cpus: cpus().length,
    receiver: receiver.kind,
    bareLoop: { before, after },
    results,
  };
  await writeFile(values.output, `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function runScenarios(context: BenchContext): Promise<readonly ScenarioResult[]> {
  const deliveries = Number(values.deliveries);
  const seconds = Number(values.seconds);
  return [
    await sustained(context, { fanOut: 1, deliveries }),
    await sustained(context, { fanOut: 10, deliveries }),
    await latency(context, { eventsPerSecond: 200, seconds }),
  ];
}

/** Posts per second by the kind of key that the loop signs with; see bare-loop.ts. */
type BareLoops = { readonly bytes: number; readonly object: number };

async function bareLoops(receiver: FastReceiver): Promise<BareLoops> {
  return { bytes: await bareLoop(receiver, "bytes"), object: await bareLoop(receiver, "object") };
}

async function bareLoop(receiver: FastReceiver, key: keyof BareLoops): Promise<number> {
  const args = [BARE_LOOP, receiver.url, String(BARE_LOOP_SECONDS), String(BODY_BYTES), key];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

function print(receiver: FastReceiver, bare: BareLoops, results: readonly ScenarioResult[]): void {
  const line = (text: string) => process.stdout.write(`${text}\n`);
  const round = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
  line(`${cpus().length} cores, Node ${process.version}, receiver ${receiver.kind}`);
  line(
    `bare loop (sign and POST, one process): ${round(bare.bytes)} posts/s, ${round(bare.object)} with a prepared key`,
  );
  for (const result of results) {
    line("");
    line(result.name);
    for (const [name, value] of Object.entries(result.figures)) line(`  ${name.padEnd(20)} ${round(value)}`);
    if (result.rate !== undefined) {
      const [ratio, harder] = [result.rate / bare.bytes, result.rate / bare.object];
      line(`  ${"ratio to bare loop".padEnd(20)} ${ratio.toFixed(3)}, ${harder.toFixed(3)} with a prepared key`);
    }
    for (const [name, micros] of Object.entries(result.cpuMicrosPerDelivery ?? {})) {
      line(
        `  ${name.padEnd(20)} ${round(micros).padStart(6)} µs CPU per delivery, ${round(result.memoryMb?.[name] ?? 0)} MB`,
      );
    }
  }
}
