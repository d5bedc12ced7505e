/** Starts NATS and Postgres for a stack, unless the environment names running ones. */

import { join } from "node:path";
import {
  createDatabaseIfMissing,
  type Environment,
  type Leash,
  type OpenedServer,
  type OpenOptions,
  openNats,
  openPostgres,
} from "@posthorn/local-servers";
import { serverMember } from "./members.ts";
import type { StackEvent } from "./stack-events.ts";
import type { StackLogs } from "./stack-logs.ts";
import type { Supervisor } from "./supervisor.ts";

const DATABASE_NAME = "posthorn";

export interface ServersOptions {
  readonly env: Environment;
  readonly backend: "local" | "containers";
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
      /** Of the role that owns the database. */
      readonly databaseUrl: string;
    }
  | { readonly kind: "refused"; readonly message: string };

/** Hands what it starts to the supervisor at once, so that a failure of one does not leave the other behind. */
export async function startServers(options: ServersOptions): Promise<ServersStart> {
  const { report } = options;
  report({ kind: "progress", text: "starting NATS and Postgres" });
  const [nats, postgres] = await Promise.allSettled([
    openNats(openOptions(options, "nats")).then((opened) => keepServer(options, "nats", opened)),
    openPostgres(openOptions(options, "postgres")).then((opened) => keepServer(options, "postgres", opened)),
  ]);
  if (nats.status === "rejected") throw nats.reason;
  if (postgres.status === "rejected") throw postgres.reason;
  if (nats.value.kind === "unavailable") return { kind: "refused", message: nats.value.message };
  if (postgres.value.kind === "unavailable") return { kind: "refused", message: postgres.value.message };

  const databaseUrl =
    postgres.value.kind === "own"
      ? await createDatabaseIfMissing(postgres.value.server.url, DATABASE_NAME)
      : postgres.value.url;
  return { kind: "running", natsUrl: nats.value.kind === "own" ? nats.value.server.url : nats.value.url, databaseUrl };
}

function openOptions(options: ServersOptions, name: string): OpenOptions {
  const log = options.logs.open(name, "server");
  log.rotate();
  return {
    env: options.env,
    backend: options.backend,
    dir: join(options.dataDir, name),
    logFile: log.path,
    leash: options.leash,
  };
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
