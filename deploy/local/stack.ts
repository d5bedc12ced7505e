/**
 * Runs the whole engine on this machine: NATS, Postgres and every service as processes of their own, kept running until
 * the stack is stopped. `npm start` and the end-to-end tests are its callers.
 */

import { type Environment, isPortFree, LOOPBACK, startLeash } from "@posthorn/local-servers";
import { lockDataFolder } from "./data-folder-lock.ts";
import { openKeptSecrets } from "./kept-secrets.ts";
import { type NatsLayout, refuseLayout, withReplicas } from "./nats-layout.ts";
import type { InstancePlan } from "./plan-instances.ts";
import { type PrepareDatabase, prepareDatabase } from "./prepare-database.ts";
import type { SharedFacts } from "./service-environment.ts";
import { writeAddresses } from "./stack-addresses.ts";
import type { StackEvent } from "./stack-events.ts";
import { openStackLogs } from "./stack-logs.ts";
import { startServers } from "./stack-servers.ts";
import { startServices } from "./stack-services.ts";
import { type PinnedPorts, portVariable, readStackSettings } from "./stack-settings.ts";
import type { InstanceCounts } from "./start-arguments.ts";
import { Supervisor } from "./supervisor.ts";

export interface StackOptions {
  /** Every setting; each process gets only those it needs. */
  readonly env: Environment;
  readonly counts: InstanceCounts;
  /** Of the NATS that is started here; "single" without it. */
  readonly natsLayout?: NatsLayout;
  /** Holds `services/<name>/src/main.ts`, and the data folder when its setting is relative. */
  readonly root: string;
  readonly report: (event: StackEvent) => void;
  /** Aborting it gives up a start that is under way. */
  readonly signal: AbortSignal;
  /** Where NATS and Postgres run that the environment does not name; "local" without it. */
  readonly backend?: "local" | "containers";
  /** More settings for the instances of a service, for tests. */
  readonly serviceEnv?: SharedFacts["serviceEnv"];
  readonly prepareDatabase?: PrepareDatabase;
}

export type StackStart =
  | { readonly kind: "running"; readonly stack: Stack }
  | { readonly kind: "refused"; readonly message: string };

export interface Stack extends AsyncDisposable {
  readonly apiUrl: string;
  readonly ingestUrl: string;
  /** "127.0.0.1:9091". */
  readonly ingestGrpcAddress: string;
  /** One address, or those of a cluster, comma-separated. */
  readonly natsUrl: string;
  readonly natsLayout: NatsLayout;
  /** By server of a cluster: answers 200 while the server has all that the others have. None of a single one. */
  readonly natsHealthUrls: ReadonlyMap<string, string>;
  /** Of the role that owns the schema. */
  readonly databaseUrl: string;
  readonly adminKey: string;
  readonly dataDir: string;
  readonly instances: readonly InstancePlan[];
  /** Name to process id, of everything that runs now. */
  pids(): Readonly<Record<string, number>>;
  /** The log file of a process. */
  logFile(name: string): string;
  /** Sends a signal to "matcher", "dispatcher-2", "nats", "nats-2", "postgres"; whatever ends is started again. */
  kill(name: string, signal: NodeJS.Signals): void;
  /** Drains and ends everything within ten seconds. The data stay. */
  stop(): Promise<void>;
}

/** Returns when every instance is ready, or refuses in one sentence with nothing left behind. */
export async function startStack(options: StackOptions): Promise<StackStart> {
  const { root, report, signal, natsLayout = "single" } = options;
  const env = withReplicas(options.env, natsLayout);
  const read = readStackSettings(env, root);
  if (read.kind === "refused") return read;
  const { dataDir, ports } = read.settings;

  await using unwinding = new AsyncDisposableStack();
  const leash = unwinding.use(startLeash());
  const lock = await lockDataFolder(dataDir, leash.pid);
  if (lock.kind === "refused") return lock;
  unwinding.use(lock);
  const unfit = refuseLayout(env, dataDir, natsLayout);
  if (unfit !== undefined) return { kind: "refused", message: unfit };
  const taken = await findTakenPort(ports);
  if (taken !== undefined) return { kind: "refused", message: taken };
  const logs = unwinding.use(openStackLogs(dataDir, (text) => report({ kind: "warning", text })));
  const supervisor = unwinding.use(new Supervisor(report));

  const servers = await startServers({
    env,
    backend: options.backend ?? "local",
    natsLayout,
    dataDir,
    leash,
    logs,
    supervisor,
    report,
  });
  if (servers.kind === "refused") return servers;
  signal.throwIfAborted();
  report({ kind: "progress", text: "preparing the database" });
  const databaseUrls = await (options.prepareDatabase ?? prepareDatabase)(servers.databaseUrl);
  signal.throwIfAborted();

  const secrets = openKeptSecrets(env, dataDir);
  const { natsUrl, natsHealthUrls, databaseUrl } = servers;
  const facts = { env, natsUrl, databaseUrls, ...secrets, serviceEnv: options.serviceEnv ?? {} };
  const services = await startServices({ ...options, ports, facts, leash, logs, supervisor });
  if (services.kind === "refused") return services;

  unwinding.use(writeAddresses(dataDir, { natsUrl, databaseUrl }));

  const owned = unwinding.move();
  const stop = (): Promise<void> => owned.disposeAsync();
  const stack: Stack = {
    ...addressesOf(services.plans),
    natsUrl,
    natsLayout,
    natsHealthUrls,
    databaseUrl,
    adminKey: secrets.adminKey,
    dataDir,
    instances: services.plans,
    pids: () => supervisor.pids(),
    logFile: (name) => logs.pathOf(name),
    kill: (name, killSignal) => supervisor.kill(name, killSignal),
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return { kind: "running", stack };
}

/** Where the first api and the first ingest are reached. */
function addressesOf(plans: readonly InstancePlan[]): Pick<Stack, "apiUrl" | "ingestUrl" | "ingestGrpcAddress"> {
  const api = plans.find((plan) => plan.name === "api");
  const ingest = plans.find((plan) => plan.name === "ingest");
  if (api === undefined || ingest?.grpcPort === undefined) throw new Error("a stack has an api and an ingest");
  return {
    apiUrl: `http://${LOOPBACK}:${api.httpPort}`,
    ingestUrl: `http://${LOOPBACK}:${ingest.httpPort}`,
    ingestGrpcAddress: `${LOOPBACK}:${ingest.grpcPort}`,
  };
}

async function findTakenPort(ports: PinnedPorts): Promise<string | undefined> {
  for (const name of ["api", "ingest", "ingestGrpc"] as const) {
    const port = ports[name];
    if (port !== 0 && !(await isPortFree(port))) {
      return `Port ${port} is in use by another program; set ${portVariable(name)} to a free one.`;
    }
  }
  return undefined;
}
