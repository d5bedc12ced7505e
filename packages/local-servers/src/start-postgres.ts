/**
 * Runs Postgres on this machine at its default durability, reachable on 127.0.0.1 only and with a password, its data in
 * a folder that outlives it.
 */

import { dirname } from "node:path";
import { LOOPBACK, startOnPort } from "./free-port.ts";
import type { Leash } from "./leash.ts";
import { pingPostgres } from "./postgres-admin.ts";
import { type Cluster, openCluster, SUPERUSER } from "./postgres-cluster.ts";
import { locatePostgres, type PostgresProgram } from "./postgres-program.ts";
import { choosePostgresUser, type PostgresUser, runAs } from "./postgres-user.ts";
import { type LocalServer, type ServerRecipe, startServer } from "./server-process.ts";

/** Every service instance keeps a pool, and tests open a database each. */
const MAX_CONNECTIONS = 200;
/** Includes the recovery after a crash. */
const READY_TIMEOUT_MS = 60_000;

export interface PostgresOptions {
  /** Holds the cluster and the superuser's password. Only one server may use it at a time. */
  readonly dir: string;
  readonly logFile: string;
  readonly leash: Leash;
  /** Any free one without it; the same one after every restart. */
  readonly port?: number;
  /** Chosen by `choosePostgresUser` without it. */
  readonly user?: PostgresUser;
}

/**
 * Returns when it answers a query; the url is the superuser's, for the database "postgres". Stopping it is the "fast"
 * shutdown: open transactions are rolled back, nobody is waited for.
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalServer> {
  const program = locatePostgres();
  const { dir, logFile, leash } = options;
  const user = options.user ?? (await choosePostgresUser(process.getuid?.() === 0, [program.postgres, dirname(dir)]));
  const cluster = await openCluster({ program, user, dir, logFile, leash });
  return startOnPort(options.port, (port) => startServer(recipeFor(options, program, user, cluster, port)));
}

function recipeFor(
  options: PostgresOptions,
  program: PostgresProgram,
  user: PostgresUser,
  cluster: Cluster,
  port: number,
): ServerRecipe {
  const settings = {
    listen_addresses: LOOPBACK,
    // A socket file would need a short path that others cannot take; TCP needs neither.
    unix_socket_directories: "",
    max_connections: String(MAX_CONNECTIONS),
    timezone: "UTC",
    log_timezone: "UTC",
  };
  const settingArgs = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const args = ["-D", cluster.dataDir, "-p", String(port), ...settingArgs];
  const url = `postgres://${SUPERUSER}:${cluster.password}@${LOOPBACK}:${port}/postgres`;
  return {
    name: "Postgres",
    url,
    port,
    command: runAs(user, { command: program.postgres, args, env: { PATH: process.env.PATH ?? "" } }),
    child: { leash: options.leash, logFile: options.logFile, endSignal: "SIGINT", stdin: "ignore" },
    readyTimeoutMs: READY_TIMEOUT_MS,
    answers: () => pingPostgres(url),
  };
}
