/** Chooses where NATS and Postgres come from, by the rules that `npm start` and `npm test` share. */

import { type Environment, findNatsServer } from "./find-nats-server.ts";
import type { Leash } from "./leash.ts";
import type { LocalServer } from "./server-process.ts";
import { startNatsContainer, startPostgresContainer } from "./start-containers.ts";
import { startNats } from "./start-nats.ts";
import { type NatsCluster, startNatsCluster } from "./start-nats-cluster.ts";
import { startPostgres } from "./start-postgres.ts";

export type OpenedServer =
  | { readonly kind: "own"; readonly server: LocalServer }
  /** Somebody else runs it; it is never stopped or restarted from here. */
  | { readonly kind: "external"; readonly url: string }
  | { readonly kind: "unavailable"; readonly message: string };

export interface OpenOptions {
  /** Read: `NATS_URL`, `NATS_SERVER_BIN`, `DATABASE_URL`, `PATH`. */
  readonly env: Environment;
  readonly backend: "local" | "containers";
  /** The data of this server, and only of this one. */
  readonly dir: string;
  readonly logFile: string;
  readonly leash: Leash;
}

const NO_PROGRAM_FOR_CLUSTER =
  "A NATS cluster on this machine needs the program nats-server: install it, or set NATS_SERVER_BIN; containers cannot " +
  "reach each other on the loopback address.";

/** The address of an opened server. */
export function urlOf(opened: Exclude<OpenedServer, { kind: "unavailable" }>): string {
  return opened.kind === "own" ? opened.server.url : opened.url;
}

export async function openNats(options: OpenOptions): Promise<OpenedServer> {
  const { env, dir, logFile, leash } = options;
  const given = env.NATS_URL;
  if (given !== undefined && given !== "") return { kind: "external", url: given };
  if (options.backend === "containers") return { kind: "own", server: await startNatsContainer() };
  const program = await findNatsServer({ env, isRoot: process.getuid?.() === 0 });
  if (program.kind === "missing") return { kind: "unavailable", message: program.message };
  return { kind: "own", server: await startNats({ program, dir, logFile, leash }) };
}

export type OpenedNatsCluster =
  | { readonly kind: "own"; readonly cluster: NatsCluster }
  | { readonly kind: "unavailable"; readonly message: string };

export interface OpenClusterOptions extends Pick<OpenOptions, "env" | "dir" | "leash"> {
  readonly logFileOf: (name: string) => string;
}

/** Always servers of our own: whoever names running ones may name a cluster too. */
export async function openNatsCluster(options: OpenClusterOptions): Promise<OpenedNatsCluster> {
  const { env, dir, logFileOf, leash } = options;
  const program = await findNatsServer({ env, isRoot: process.getuid?.() === 0 });
  if (program.kind === "missing") return { kind: "unavailable", message: program.message };
  if (program.kind === "docker") return { kind: "unavailable", message: NO_PROGRAM_FOR_CLUSTER };
  return { kind: "own", cluster: await startNatsCluster({ program, dir, logFileOf, leash }) };
}

export async function openPostgres(options: OpenOptions): Promise<OpenedServer> {
  const { env, dir, logFile, leash } = options;
  const given = env.DATABASE_URL;
  if (given !== undefined && given !== "") return { kind: "external", url: given };
  if (options.backend === "containers") return { kind: "own", server: await startPostgresContainer() };
  return { kind: "own", server: await startPostgres({ dir, logFile, leash }) };
}
