/** Finds a program of the system, or has Debian's package of it installed. */

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** Servers lie where an ordinary user's PATH does not look. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
const INSTALL_TIMEOUT_MS = 180_000;

/** Its path, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Root gets a missing program from the system's packages; undefined when that fails or nobody is root. */
export async function findOrInstall(name: string): Promise<string | undefined> {
  const found = findProgram(name);
  if (found !== undefined || process.getuid?.() !== 0) return found;
  const apt = (...args: string[]) =>
    promisify(execFile)("apt-get", args, { timeout: INSTALL_TIMEOUT_MS }).catch(() => undefined);
  // A failed update is no reason to give up: the lists of an earlier one may do.
  await apt("update");
  await apt("install", "--yes", "--no-install-recommends", name);
  return findProgram(name);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
