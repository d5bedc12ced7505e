import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { LEASH_GRACE_S, startLeash } from "./leash.ts";
import { startOwnedChild } from "./owned-child.ts";
import { identifyProcess } from "./process-identity.ts";

const GONE_WITHIN_MS = 5_000;
const fixture = fileURLToPath(new URL("./leash.fixture.ts", import.meta.url));
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "posthorn-leash-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const deadline = performance.now() + 20_000;
  while (!text.includes("\n")) {
    if (performance.now() > deadline || child.exitCode !== null) throw new Error(`the owner did not start: ${text}`);
    await sleep(20);
  }
  return text.slice(0, text.indexOf("\n"));
}

async function msUntilGone(pids: readonly number[]): Promise<number> {
  const start = performance.now();
  while (pids.some((pid) => identifyProcess(pid) !== undefined)) {
    if (performance.now() - start > GONE_WITHIN_MS + 1_000) return Number.POSITIVE_INFINITY;
    await sleep(20);
  }
  return performance.now() - start;
}

test("NATS, Postgres and the guard are gone soon after their owner was killed with SIGKILL", async () => {
  const owner = spawn(process.execPath, [fixture, temporaryFolder()], { stdio: ["ignore", "pipe", "inherit"] });
  const { pids, leash } = JSON.parse(await firstLine(owner)) as { pids: number[]; leash: number };
  expect(pids.map((pid) => identifyProcess(pid) !== undefined)).toEqual([true, true]);

  owner.kill("SIGKILL");
  await once(owner, "exit");

  expect(await msUntilGone([...pids, leash])).toBeLessThan(GONE_WITHIN_MS);
});

test("a process that ignores its end signal is killed after the grace", async () => {
  const leash = startLeash();
  const child = await startOwnedChild(
    { command: "/bin/sh", args: ["-c", "trap '' TERM; while :; do sleep 0.1; done"], env: {} },
    { leash, logFile: join(temporaryFolder(), "log"), endSignal: "SIGTERM", stdin: "ignore" },
  );
  await sleep(200);
  const start = performance.now();
  leash[Symbol.dispose]();

  expect(await child.exited).toEqual({ kind: "signal", signal: "SIGKILL" });
  expect(performance.now() - start).toBeGreaterThan(LEASH_GRACE_S * 1_000 - 200);
});

test("a process that was let go is left alone", async () => {
  const leash = startLeash();
  const options = { leash, logFile: join(temporaryFolder(), "log"), endSignal: "SIGTERM", stdin: "ignore" } as const;
  const sleeper = { command: "/bin/sleep", args: ["30"], env: {} };
  const held = await startOwnedChild(sleeper, options);
  const released = await startOwnedChild(sleeper, options);
  leash.release(released.pid);
  leash[Symbol.dispose]();

  expect(await held.exited).toEqual({ kind: "signal", signal: "SIGTERM" });
  expect(released.isRunning()).toBe(true);
  released.kill("SIGKILL");
  await released.exited;
});

test("a guard that was killed is replaced and holds the same processes", async () => {
  const leash = startLeash();
  const child = await startOwnedChild(
    { command: "/bin/sleep", args: ["30"], env: {} },
    { leash, logFile: join(temporaryFolder(), "log"), endSignal: "SIGTERM", stdin: "ignore" },
  );
  const firstGuard = leash.pid;
  process.kill(firstGuard, "SIGKILL");
  await expect.poll(() => leash.pid).not.toBe(firstGuard);
  leash[Symbol.dispose]();

  expect(await child.exited).toEqual({ kind: "signal", signal: "SIGTERM" });
});
