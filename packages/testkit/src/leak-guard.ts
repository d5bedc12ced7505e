/**
 * Fails a test file that leaves something open. Everything in this package that has to be disposed is registered here;
 * the set-up file asks at the end of each test file what is left.
 */

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";

const open = new Map<symbol, string>();
const folders: string[] = [];

/** Remembers that something is open; call the result when it has been closed. */
export function trackOpen(description: string): () => void {
  const { currentTestName } = expect.getState();
  const key = Symbol(description);
  open.set(key, currentTestName === undefined ? description : `${description} (opened in "${currentTestName}")`);
  return () => {
    open.delete(key);
  };
}

/** A new folder that is removed at the end of the file, or kept for a look when one of its tests failed. */
export async function createTestFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `posthorn-${name}-`));
  folders.push(folder);
  return folder;
}

/** Called once at the end of a test file. Throws when something is still open. */
export function closeTestFile(hasFailure: boolean): void {
  for (const folder of folders.splice(0)) {
    if (hasFailure) process.stderr.write(`kept for a look: ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  }
  const left = [...open.values()];
  open.clear();
  if (left.length > 0) throw new Error(`never disposed: ${left.join(", ")}`);
}
