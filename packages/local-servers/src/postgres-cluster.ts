/** Creates the files of a Postgres cluster once, and clears what a crash of the whole machine may leave in them. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Leash } from "./leash.ts";
import { readLogTail } from "./log-tail.ts";
import { describeExit, startOwnedChild } from "./owned-child.ts";
import type { PostgresProgram } from "./postgres-program.ts";
import { giveTo, type PostgresUser, runAs } from "./postgres-user.ts";
import { commandLineOf } from "./process-identity.ts";

export const SUPERUSER = "postgres";
const PASSWORD_BYTES = 24;

export interface ClusterOptions {
  readonly program: PostgresProgram;
  readonly user: PostgresUser;
  /** Holds `cluster/` and `password`; created if missing. */
  readonly dir: string;
  readonly logFile: string;
  readonly leash: Leash;
}

export interface Cluster {
  readonly dataDir: string;
  /** Of the superuser; generated, kept beside the cluster with mode 0600. */
  readonly password: string;
}

/** Creates the cluster on the first call; later calls only read the password. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  giveTo(options.user, options.dir);
  const dataDir = join(options.dir, "cluster");
  const passwordFile = join(options.dir, "password");
  if (existsSync(dataDir)) {
    removeStalePidFile(dataDir);
    return { dataDir, password: readFileSync(passwordFile, "utf8") };
  }
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveTo(options.user, passwordFile);
  await createCluster(options, dataDir, passwordFile);
  return { dataDir, password };
}

/** The cluster gets its name when it is complete, so that an interrupted creation starts over. */
async function createCluster(options: ClusterOptions, dataDir: string, passwordFile: string): Promise<void> {
  const unfinished = `${dataDir}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const args = [
    `--pgdata=${unfinished}`,
    `--username=${SUPERUSER}`,
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-instructions",
  ];
  const command = runAs(options.user, {
    command: options.program.initdb,
    args,
    env: { PATH: process.env.PATH ?? "" },
  });
  const { leash, logFile } = options;
  const initdb = await startOwnedChild(command, { leash, logFile, endSignal: "SIGTERM", stdin: "ignore" });
  const exit = await initdb.exited;
  if (exit.kind === "signal" || exit.code !== 0) {
    const problem = `Postgres could not create its files in ${dataDir} (${describeExit(exit)})`;
    throw new Error(`${problem}. The end of ${logFile}:\n${readLogTail(logFile)}`);
  }
  renameSync(unfinished, dataDir);
}

/**
 * After a crash the file names a process that is gone. Postgres notices, unless the number belongs to somebody else by
 * now, which is likely in a container after a restart. The caller guarantees that nobody else uses the folder.
 */
function removeStalePidFile(dataDir: string): void {
  const pidFile = join(dataDir, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(readFileSync(pidFile, "utf8"), 10);
  const commandLine = Number.isNaN(pid) ? undefined : commandLineOf(pid);
  if (commandLine === undefined || !commandLine.includes(dataDir)) rmSync(pidFile);
}
