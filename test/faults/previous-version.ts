/**
 * The version before this one, as the history of the repository has it, laid out so that each of its services can be
 * exchanged for this version's while a stack runs.
 */

import { execFile } from "node:child_process";
import { cp, mkdir, readdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { DatabaseUrls } from "../../deploy/local/prepare-database.ts";
import type { ServiceName } from "../../deploy/local/service-table.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Packages of this project stand there as relative links, which lead to whichever checkout holds them. */
const OWN_PACKAGES = "@posthorn";

export type PreviousVersion = {
  /** The commit. */
  readonly name: string;
  readonly root: string;
  /** What its services are started with from now on. */
  use(service: ServiceName, version: "previous" | "this"): Promise<void>;
  /** Its own way to make the schema. */
  prepareDatabase(ownerUrl: string): Promise<DatabaseUrls>;
};

/** Undefined: there is no history here, as in an archive or a clone of one commit. */
export async function previousCommit(): Promise<string | undefined> {
  const isChanged = await git("status", "--porcelain", "--untracked-files=no");
  if (isChanged === undefined) return undefined;
  return git("rev-parse", "--verify", "--quiet", isChanged === "" ? "HEAD~1" : "HEAD");
}

async function git(...args: readonly string[]): Promise<string | undefined> {
  const answer = await run("git", args, { cwd: ROOT }).catch(() => undefined);
  return answer?.stdout.trim();
}

/** @param folder an empty one. Its dependencies are those that are installed here. */
export async function layOutPreviousVersion(commit: string, folder: string): Promise<PreviousVersion> {
  const archive = join(folder, "archive.tar");
  await run("git", ["archive", "--output", archive, commit], { cwd: ROOT });
  await run("tar", ["-xf", archive, "-C", folder]);
  await rm(archive);
  await linkDependencies(folder);
  const path = (service: ServiceName) => join(folder, "services", service);
  const put = (service: ServiceName) => join(folder, `previous-${service}`);
  return {
    name: commit.slice(0, "0123456".length),
    root: folder,
    use: async (service, version) => {
      if (version === "this") {
        await rename(path(service), put(service));
        await symlink(join(ROOT, "services", service), path(service));
      } else {
        await rm(path(service));
        await rename(put(service), path(service));
      }
    },
    prepareDatabase: async (ownerUrl) => {
      const script = `import { prepareDatabase } from "./deploy/local/prepare-database.ts";
        console.log(JSON.stringify(await prepareDatabase(process.env.OWNER_URL)));`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], {
        cwd: folder,
        env: { ...process.env, OWNER_URL: ownerUrl },
      });
      return JSON.parse(stdout) as DatabaseUrls;
    },
  };
}

async function linkDependencies(folder: string): Promise<void> {
  const target = join(folder, "node_modules");
  await mkdir(target);
  const installed = join(ROOT, "node_modules");
  for (const name of await readdir(installed)) {
    if (name === OWN_PACKAGES) {
      await cp(join(installed, name), join(target, name), { recursive: true, verbatimSymlinks: true });
    } else if (!name.startsWith(".")) {
      await symlink(join(installed, name), join(target, name));
    }
  }
  for (const kind of ["packages", "services"]) {
    for (const name of await readdir(join(ROOT, kind))) {
      const own = await readdir(join(ROOT, kind, name));
      if (own.includes("node_modules")) {
        const link = join(folder, kind, name, "node_modules");
        await symlink(join(ROOT, kind, name, "node_modules"), link).catch(() => undefined); // the package is a new one
      }
    }
  }
}
