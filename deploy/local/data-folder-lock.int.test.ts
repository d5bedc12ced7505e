import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { identifyProcess } from "@posthorn/local-servers";
import { createTestFolder } from "@posthorn/testkit";
import { beforeEach, expect, test } from "vitest";
import { lockDataFolder } from "./data-folder-lock.ts";

let dir: string;

beforeEach(async () => {
  dir = await createTestFolder("lock");
});

function writeLock(supervisor: object, guard: object): void {
  writeFileSync(join(dir, "supervisor.lock"), JSON.stringify({ supervisor, guard }));
}

const gone = { pid: 1, startedAt: "long ago" };

test("a folder is locked once, and again after its release", async () => {
  const first = await lockDataFolder(dir, process.pid);
  if (first.kind === "refused") throw new Error(first.message);
  expect(await lockDataFolder(dir, process.pid)).toEqual({
    kind: "refused",
    message: `Posthorn already runs on ${dir} (process ${process.pid}); stop it or set another POSTHORN_DATA_DIR.`,
  });
  first[Symbol.dispose]();
  expect(readdirSync(dir)).toEqual([]);
  expect(await lockDataFolder(dir, process.pid)).toMatchObject({ kind: "locked" });
});

test("of many that start at the same moment exactly one gets the folder", async () => {
  writeLock(gone, gone);
  const results = await Promise.all(Array.from({ length: 8 }, () => lockDataFolder(dir, process.pid)));
  expect(results.filter((result) => result.kind === "locked")).toHaveLength(1);
});

test("a lock whose processes are gone is taken over, even if their numbers are in use again", async () => {
  writeLock({ pid: process.pid, startedAt: "another time" }, gone);
  expect(await lockDataFolder(dir, process.pid)).toMatchObject({ kind: "locked" });
});

test("a lock that is no lock is taken over", async () => {
  writeFileSync(join(dir, "supervisor.lock"), "");
  expect(await lockDataFolder(dir, process.pid)).toMatchObject({ kind: "locked" });
});

test("while the children of a killed supervisor end, the next one waits for them", async () => {
  const guard = spawn("/bin/sleep", ["0.5"]);
  const guardPid = guard.pid ?? 0;
  const ended = once(guard, "exit");
  writeLock(gone, identifyProcess(guardPid) ?? {});
  let isLocked = false;
  const locking = lockDataFolder(dir, process.pid).then((result) => {
    isLocked = true;
    return result;
  });
  await sleep(200);
  expect(isLocked).toBe(false);
  await ended;
  expect(await locking).toMatchObject({ kind: "locked" });
});
