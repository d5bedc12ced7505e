import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeProject } from "./fixtures/fake-root.ts";

const STOPPED_WITHIN_MS = 10_000;
const anyPorts = { POSTHORN_API_PORT: "0", POSTHORN_INGEST_PORT: "0", POSTHORN_INGEST_GRPC_PORT: "0" };

let root: string;

beforeEach(() => {
  root = createFakeProject();
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface RunningNpm {
  readonly npm: ChildProcess;
  output(): string;
}

/** Returns when everything was announced as started. The fakes know no demo, which `npm start` survives. */
async function npmStart(): Promise<RunningNpm> {
  const npm = spawn("npm", ["start"], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...anyPorts },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  await waitUntil(() => output.includes("the demo failed"), {
    describe: () => `the start of everything; so far there was\n${output}`,
    timeoutMs: 25_000,
  });
  return { npm, output: () => output };
}

/** Every process that works in the project or was told a path in it. */
function processesOfProject(): readonly number[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => {
    try {
      const isInside = readlinkSync(`/proc/${pid}/cwd`).startsWith(root);
      return isInside || readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(root);
    } catch {
      return false;
    }
  });
}

test.for(["SIGINT", "SIGTERM"] as const)("%s to npm drains and stops everything within 10 s", async (signal) => {
  const { npm, output } = await npmStart();
  // npm, its shell, the bootstrap, the supervisor, NATS, Postgres and seven services at least.
  expect(processesOfProject().length).toBeGreaterThanOrEqual(12);
  const startedAtMs = performance.now();
  npm.kill(signal);
  await once(npm, "exit");
  await waitUntil(() => processesOfProject().length === 0, { describe: "the end of every process", timeoutMs: 1_000 });
  expect(performance.now() - startedAtMs).toBeLessThan(STOPPED_WITHIN_MS);
  expect(output()).toContain("stopped");
});

test("everything ends when the supervisor is killed", async () => {
  const { npm } = await npmStart();
  const supervisor = processesOfProject().find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("deploy/local/start.ts"),
  );
  if (supervisor === undefined) throw new Error("there is no supervisor");
  process.kill(supervisor, "SIGKILL");
  await once(npm, "exit");
  await waitUntil(() => processesOfProject().length === 0, { describe: "the end of every process", timeoutMs: 5_000 });
});

test("an unknown option is refused in one sentence", () => {
  const { status, stderr } = spawnSync("npm", ["start", "--silent", "--", "--fast"], {
    cwd: root,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  expect(status).toBe(1);
  expect(stderr).toContain("npm start does not know --fast; it knows --signers");
});
