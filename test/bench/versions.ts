/** The version of the engine that is measured: the one of this folder, or another one of its git history. */

import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, readlink, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { startTestStack } from "../../deploy/local/test-stack.ts";

export type Version = {
  /** Holds `deploy/local` and `services`. */
  readonly root: string;
  readonly commit: string;
  /** Files differ from the commit. */
  readonly isChanged: boolean;
  readonly startStack: typeof startTestStack;
};

export type CheckedOut =
  | { readonly kind: "version"; readonly version: Version }
  | { readonly kind: "refused"; readonly message: string };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMMIT_LENGTH = 12;
const INSTALL_TIMEOUT_MS = 600_000;

const run = promisify(execFile);

/** Outside of a git work tree the commit is "unknown". */
export async function thisVersion(): Promise<Version> {
  const git = (...args: string[]) =>
    run("git", args, { cwd: ROOT }).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
  return {
    root: ROOT,
    commit: (await git("rev-parse", `--short=${COMMIT_LENGTH}`, "HEAD")) ?? "unknown",
    // What the bench itself writes is no other version.
    isChanged: ((await git("status", "--porcelain", "--", ".", ":!bench.json")) ?? "") !== "",
    startStack: startTestStack,
  };
}

/** Puts a commit, branch or tag into an empty folder, with its packages. */
export async function checkOut(ref: string, folder: string): Promise<CheckedOut> {
  const named = await run("git", ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`], { cwd: ROOT }).catch(
    () => undefined,
  );
  if (named === undefined) return { kind: "refused", message: `git knows no commit "${ref}" here.` };
  const commit = named.stdout.trim();
  await mkdir(folder, { recursive: true });
  const archive = join(folder, "..", `${commit}.tar`);
  await run("git", ["archive", `--output=${archive}`, commit], { cwd: ROOT });
  await run("tar", ["-xf", archive, "-C", folder]);
  await providePackages(folder);
  const module: { startTestStack: typeof startTestStack } = await import(
    pathToFileURL(join(folder, "deploy/local/test-stack.ts")).href
  );
  const version = { root: folder, commit: commit.slice(0, COMMIT_LENGTH), isChanged: false };
  return { kind: "version", version: { ...version, startStack: module.startTestStack } };
}

/** The installed packages serve both versions when both want the same; the project's own are each version's. */
async function providePackages(folder: string): Promise<void> {
  const lockFiles = await Promise.all([ROOT, folder].map((root) => readFile(join(root, "package-lock.json"), "utf8")));
  if (lockFiles[0] !== lockFiles[1]) {
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, timeout: INSTALL_TIMEOUT_MS });
    return;
  }
  await linkPackages("node_modules", folder);
  for (const parent of ["packages", "services"]) {
    for (const name of await readdir(join(folder, parent))) {
      await linkPackages(join(parent, name, "node_modules"), folder);
    }
  }
}

/**
 * Links what lies in a folder of packages. npm links the project's own by relative paths: they are copied as they are,
 * and so lead to the version beside them. Caches are not shared.
 */
async function linkPackages(packages: string, folder: string): Promise<void> {
  const from = join(ROOT, packages);
  const names = await readdir(from).catch(() => []);
  for (const name of names.filter((entry) => entry !== ".cache")) {
    const isOwnScope = name === "@posthorn";
    const entries = isOwnScope ? await readdir(join(from, name)) : [""];
    for (const entry of entries) {
      const path = join(packages, name, entry);
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await symlink(isOwnScope ? await readlink(join(ROOT, path)) : join(ROOT, path), join(folder, path));
    }
  }
}
