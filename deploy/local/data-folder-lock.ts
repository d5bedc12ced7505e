/**
 * One stack per data folder: two NATS servers on the same files would destroy them. The lock names the supervisor and
 * the guard of its children, because after a SIGKILL of the supervisor the children still use the folder for a moment.
 */

import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { identifyProcess, isStillRunning, type ProcessIdentity } from "@posthorn/local-servers";

/** Children of a killed supervisor get SIGKILL before this has passed. */
const GUARD_WAIT_MS = 6_000;
const GUARD_POLL_MS = 50;
const TAKE_OVER_TRIES_MAX = 10;

export interface DataFolderLock extends Disposable {
  readonly kind: "locked";
}

export type LockResult = DataFolderLock | { readonly kind: "refused"; readonly message: string };

interface Holder {
  readonly supervisor: ProcessIdentity;
  readonly guard: ProcessIdentity;
}

/** Creates the folder if needed. Waits for the children of a supervisor that was killed; refuses while one runs. */
export async function lockDataFolder(dataDir: string, guardPid: number): Promise<LockResult> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, "supervisor.lock");
  const mine = describeHolder(guardPid);
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < TAKE_OVER_TRIES_MAX; attempt++) {
      // A link, unlike a write, appears complete or not at all.
      if (tryLink(draft, path)) return { kind: "locked", [Symbol.dispose]: () => releaseLock(path, mine) };
      const found = readIfPresent(path);
      if (found === undefined) continue;
      const holder = parseHolder(found);
      if (holder !== undefined && isStillRunning(holder.supervisor)) return refusal(dataDir, holder);
      if (holder !== undefined && !(await isGone(holder.guard))) return refusal(dataDir, holder);
      removeIfUnchanged(path, found);
    }
    return { kind: "refused", message: `${path} keeps changing; is somebody else starting in the same folder?` };
  } finally {
    rmSync(draft, { force: true });
  }
}

function describeHolder(guardPid: number): string {
  const holder: Holder = { supervisor: identityOf(process.pid), guard: identityOf(guardPid) };
  return JSON.stringify(holder);
}

function identityOf(pid: number): ProcessIdentity {
  const identity = identifyProcess(pid);
  if (identity === undefined) throw new Error(`process ${pid} was just started and cannot be found`);
  return identity;
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder; // written by this module and linked when complete
  } catch {
    return undefined;
  }
}

function refusal(dataDir: string, holder: Holder): LockResult {
  const { pid } = holder.supervisor;
  const message = `Posthorn already runs on ${dataDir} (process ${pid}); stop it or set another POSTHORN_DATA_DIR.`;
  return { kind: "refused", message };
}

async function isGone(guard: ProcessIdentity): Promise<boolean> {
  const deadline = performance.now() + GUARD_WAIT_MS;
  while (isStillRunning(guard)) {
    if (performance.now() > deadline) return false;
    await sleep(GUARD_POLL_MS);
  }
  return true;
}

/** Takes the file away under another name first, so that of two who found the same stale lock only one removes it. */
function removeIfUnchanged(path: string, expected: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readIfPresent(aside) !== expected) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function releaseLock(path: string, mine: string): void {
  if (readIfPresent(path) === mine) rmSync(path, { force: true });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
