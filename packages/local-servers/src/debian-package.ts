/**
 * Gets one program out of a Debian package without installing it. An installed server package would start its daemon
 * and enable it for the next boot.
 */

import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isExecutable } from "./executable-file.ts";
import { runTool } from "./run-tool.ts";

const APT_TIMEOUT_MS = 180_000;

export interface DebianProgram {
  readonly name: string;
  /** Path of the program inside the package. */
  readonly programPath: string;
  readonly cacheDir: string;
}

/** The path of the program, from the cache if an earlier call left it there; undefined when apt cannot provide it. */
export async function unpackDebianPackage(program: DebianProgram): Promise<string | undefined> {
  const home = join(program.cacheDir, program.name);
  const path = join(home, program.programPath);
  if (isExecutable(path)) return path;

  await mkdir(program.cacheDir, { recursive: true });
  const workDir = await mkdtemp(join(program.cacheDir, `${program.name}-`));
  try {
    if (!(await downloadAndUnpack(program.name, workDir))) return undefined;
    // Whoever renames first wins; the other's copy is the same and is thrown away.
    await rename(join(workDir, "unpacked"), home).catch(() => {});
    return isExecutable(path) ? path : undefined;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function downloadAndUnpack(name: string, workDir: string): Promise<boolean> {
  const tool = { cwd: workDir, timeoutMs: APT_TIMEOUT_MS };
  // A failed update is no reason to give up: the lists of an earlier one may do.
  await runTool("apt-get", ["update"], tool);
  if ((await runTool("apt-get", ["download", name], tool)).kind === "failed") return false;
  const archive = (await readdir(workDir)).find((file) => file.endsWith(".deb"));
  if (archive === undefined) return false;
  return (await runTool("dpkg", ["-x", archive, "unpacked"], tool)).kind === "done";
}
