/** Starts NATS and Postgres for a stack, unless the environment names running ones. */

import { join } from "node:path";
import {
  createDatabaseIfMissing,
  type Environment,
  type Leash,
  type OpenedServer,
  type OpenOptions,
  openNats,
  openNatsCluster,
  openPostgres,
  urlOf,
} from "@posthorn/local-servers";
import { serverMember } from "./members.ts";
import { type NatsLayout, natsFolder } from "./nats-layout.ts";
import type { StackEvent } from "./stack-events.ts";
import type { StackLogs } from "./stack-logs.ts";
import type { Supervisor } from "./supervisor.ts";

const DATABASE_NAME = "posthorn";

export interface ServersOptions {
  readonly env: Environment;
  readonly backend: "local" | "containers";
  readonly natsLayout: NatsLayout;
  readonly dataDir: string;
  readonly leash: Leash;
  readonly logs: StackLogs;
  readonly supervisor: Supervisor;
  readonly report: (event: StackEvent) => void;
}

export type ServersStart =
  | {
      readonly kind: "running";
      readonly natsUrl: string;
      /** By server of a cluster; none of a single one. */
      readonly natsHealthUrls: ReadonlyMap<string, string>;
      /** Of the role that owns the database. */
      readonly databaseUrl: string;
    }
  | { readonly kind: "refused"; readonly message: string };

type NatsStart =
  | { readonly kind: "running"; readonly url: string; readonly healthUrls: ReadonlyMap<string, string> }
  | { readonly kind: "refused"; readonly message: string };

/** Hands what it starts to the supervisor at once, so that a failure of one does not leave the other behind. */
export async function startServers(options: ServersOptions): Promise<ServersStart> {
  const { report } = options;
  report({ kind: "progress", text: "starting NATS and Postgres" });
  const [nats, postgres] = await Promise.allSettled([
    options.natsLayout === "cluster" ? startNatsCluster(options) : startSingleNats(options),
    openPostgres(openOptions(options, "postgres")).then((opened) => keepServer(options, "postgres", opened)),
  ]);
  if (nats.status === "rejected") throw nats.reason;
  if (postgres.status === "rejected") throw postgres.reason;
  if (nats.value.kind === "refused") return nats.value;
  if (postgres.value.kind === "unavailable") return { kind: "refused", message: postgres.value.message };

  const databaseUrl =
    postgres.value.kind === "own"
      ? await createDatabaseIfMissing(postgres.value.server.url, DATABASE_NAME)
      : postgres.value.url;
  return { kind: "running", natsUrl: nats.value.url, natsHealthUrls: nats.value.healthUrls, databaseUrl };
}

async function startSingleNats(options: ServersOptions): Promise<NatsStart> {
  const opened = keepServer(options, "nats", await openNats(openOptions(options, "nats")));
  if (opened.kind === "unavailable") return { kind: "refused", message: opened.message };
  return { kind: "running", url: urlOf(opened), healthUrls: new Map() };
}

/** Each server of a cluster is a process of its own to the supervisor: one that dies is started again alone. */
async function startNatsCluster(options: ServersOptions): Promise<NatsStart> {
  const opened = await openNatsCluster({
    env: options.env,
    dir: natsFolder(options.dataDir, "cluster"),
    logFileOf: (name) => openLog(options, name),
    leash: options.leash,
  });
  if (opened.kind === "unavailable") return { kind: "refused", message: opened.message };
  const { servers, url } = opened.cluster;
  for (const { name, server } of servers) keepServer(options, name, { kind: "own", server });
  return { kind: "running", url, healthUrls: new Map(servers.map(({ name, healthUrl }) => [name, healthUrl])) };
}

function openOptions(options: ServersOptions, name: string): OpenOptions {
  return {
    env: options.env,
    backend: options.backend,
    dir: name === "nats" ? natsFolder(options.dataDir, "single") : join(options.dataDir, name),
    logFile: openLog(options, name),
    leash: options.leash,
  };
}

function openLog(options: ServersOptions, name: string): string {
  const log = options.logs.open(name, "server");
  log.rotate();
  return log.path;
}

function keepServer(options: ServersOptions, name: string, opened: OpenedServer): OpenedServer {
  switch (opened.kind) {
    case "own": {
      const { server } = opened;
      options.supervisor.keep(serverMember(name, server), "server", { exited: server.exited() });
      options.report({ kind: "progress", text: `${name} answers on port ${server.port}` });
      break;
    }
    case "external":
      options.report({ kind: "progress", text: `using the ${name} that the environment names` });
      break;
    case "unavailable":
      break;
  }
  return opened;
}
