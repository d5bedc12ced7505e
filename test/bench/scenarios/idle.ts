/** How long `npm start` takes until everything is ready, and what the services take when nothing happens. */

import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type OwnedChild, startLeash, startOwnedChild } from "@posthorn/local-servers";
import { waitUntil } from "@posthorn/testkit";
import { type ByProcess, cpuMsOf, findDescendants, memoryMbOf } from "../process-usage.ts";
import type { BenchContext, Figure, Scenario, Size } from "../scenario.ts";

const NAME = "idle";
const SECONDS: Readonly<Record<Size, number>> = { full: 30, quick: 10, smoke: 1 };
/** What a start leaves to be done: compiling, collecting, the first looks at everything. */
const SETTLE_SECONDS: Readonly<Record<Size, number>> = { full: 20, quick: 8, smoke: 0 };
const SERVICE_COMMAND = /services\/([a-z]+)\/src\/main\.ts/;
const SERVICES = 7;
const READY_TEXT = "demo delivery verified";
const START_TIMEOUT_MS = 120_000;
const STOP_GRACE_MS = 15_000;

const READY_S_MAX = 10;
const CPU_PERCENT_MAX = 3;
const MEMORY_MB_MAX = 500;

export const idle: Scenario = {
  name: NAME,
  describe: "npm start until its demo delivery is verified; CPU and memory of the seven services at rest",
  isDefault: false,
  run: async (context) => {
    const folder = await mkdtemp(join(context.folder, "idle-"));
    const logFile = join(folder, "start.log");
    using leash = startLeash();
    const startedMs = performance.now();
    const child = await startOwnedChild(
      {
        command: process.execPath,
        args: ["deploy/local/bootstrap.js", "start"],
        cwd: context.root,
        env: environment(folder),
      },
      { leash, logFile, endSignal: "SIGTERM", stdin: "ignore" },
    );
    try {
      const isReady = async () => (await readFile(logFile, "utf8")).includes(READY_TEXT);
      await waitUntil(isReady, { timeoutMs: START_TIMEOUT_MS, everyMs: 20, describe: "npm start to be ready" });
      const readyS = (performance.now() - startedMs) / 1_000;
      await sleep(SETTLE_SECONDS[context.size] * 1_000);
      return {
        name: NAME,
        figures: [readyFigure(readyS), ...(await restingFigures(context, child))],
        costs: undefined,
      };
    } finally {
      await child.stop(STOP_GRACE_MS);
    }
  },
};

function readyFigure(readyS: number): Figure {
  return {
    name: "npm start, until its first delivery",
    value: readyS,
    unit: "s",
    aim: { kind: "at-most", value: READY_S_MAX },
  };
}

async function restingFigures(context: BenchContext, child: OwnedChild): Promise<readonly Figure[]> {
  const pids = servicePids(child.pid);
  const seconds = SECONDS[context.size];
  const before = cpuMsOf(pids);
  await sleep(seconds * 1_000);
  const after = Object.entries(cpuMsOf(pids));
  const memory = Object.entries(memoryMbOf(pids));
  const percents = after.map(([name, cpuMs]) => [name, (cpuMs - (before[name] ?? 0)) / (seconds * 10)] as const);
  return [
    {
      name: "CPU of all services, of one core",
      value: percents.reduce((sum, [, percent]) => sum + percent, 0),
      unit: "%",
      aim: { kind: "at-most", value: CPU_PERCENT_MAX },
    },
    {
      name: "memory of all services (PSS)",
      value: memory.reduce((sum, [, megabytes]) => sum + megabytes, 0),
      unit: "MB",
      aim: { kind: "at-most", value: MEMORY_MB_MAX },
    },
    ...percents.map(([name, percent]): Figure => ({ name: `CPU of ${name}`, value: percent, unit: "%" })),
    ...memory.map(([name, value]): Figure => ({ name: `memory of ${name}`, value, unit: "MB" })),
  ];
}

function servicePids(root: number): ByProcess {
  const found = findDescendants(root).flatMap(({ pid, command }) => {
    const service = SERVICE_COMMAND.exec(command)?.[1];
    return service === undefined ? [] : [[service, pid] as const];
  });
  if (found.length !== SERVICES) throw new Error(`npm start runs ${found.length} services, not ${SERVICES}`);
  return Object.fromEntries(found);
}

function environment(folder: string): Readonly<Record<string, string>> {
  const { PATH = "", HOME = "", NATS_SERVER_BIN } = process.env;
  return {
    PATH,
    HOME,
    ...(NATS_SERVER_BIN === undefined ? {} : { NATS_SERVER_BIN }),
    POSTHORN_DATA_DIR: join(folder, "data"),
    POSTHORN_API_PORT: "0",
    POSTHORN_INGEST_PORT: "0",
    POSTHORN_INGEST_GRPC_PORT: "0",
  };
}
