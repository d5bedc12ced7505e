/**
 * Runs three NATS servers as a cluster on this machine: each stream may be kept three times, and one server may be
 * killed or frozen without losing what was acknowledged. For tests and trials: production gives each its own machine.
 */

import { join } from "node:path";
import type { NatsServerFound } from "./find-nats-server.ts";
import { findFreePort, isPortFree, LOOPBACK } from "./free-port.ts";
import type { Leash } from "./leash.ts";
import { hasJetStreamLeader } from "./nats-leader.ts";
import { knowsSyncInterval, readNatsVersion } from "./nats-version.ts";
import { type LocalServer, pollUntilAnswers } from "./server-process.ts";
import { startNats } from "./start-nats.ts";

/** Also the names of their folders. */
const SERVER_NAMES = ["nats-1", "nats-2", "nats-3"] as const;
const CLUSTER_NAME = "posthorn";
const LEADER_TIMEOUT_MS = 30_000;
/** Tries with other random ports when somebody else took a chosen one in between. */
const START_TRIES_MAX = 5;

export interface NatsClusterOptions {
  /** Containers could not reach each other on the loopback address. */
  readonly program: Extract<NatsServerFound, { kind: "binary" }>;
  /** Holds a folder per server. Ports may differ at the next start on the same folder. */
  readonly dir: string;
  /** The log file of a server. */
  readonly logFileOf: (name: string) => string;
  readonly leash: Leash;
}

export interface NatsClusterServer {
  /** "nats-1", "nats-2", "nats-3". */
  readonly name: string;
  readonly server: LocalServer;
  /** Answers 200 while the server has all that the others have: whoever replaces servers waits for it. */
  readonly healthUrl: string;
}

export interface NatsCluster {
  /** The addresses of all servers, comma-separated. */
  readonly url: string;
  readonly servers: readonly NatsClusterServer[];
}

interface ServerPlan {
  readonly name: string;
  readonly port: number;
  readonly routePort: number;
  readonly monitoringPort: number;
}

/** Returns when the cluster has a leader. Rejects, with nothing left running, when a server or the leader fails to come. */
export async function startNatsCluster(options: NatsClusterOptions): Promise<NatsCluster> {
  const syncsAlways = knowsSyncInterval(await readNatsVersion(options.program.path));
  for (let attempt = 1; ; attempt++) {
    const plans = await planServers();
    try {
      return await startServers(options, plans, syncsAlways);
    } catch (error) {
      if (attempt === START_TRIES_MAX || (await areFree(plans))) throw error;
    }
  }
}

async function startServers(
  options: NatsClusterOptions,
  plans: readonly ServerPlan[],
  syncsAlways: boolean,
): Promise<NatsCluster> {
  await using unwinding = new AsyncDisposableStack();
  const starts = await Promise.allSettled(
    plans.map(async (plan): Promise<NatsClusterServer> => {
      const server = await startNats({
        program: options.program,
        dir: join(options.dir, plan.name),
        logFile: options.logFileOf(plan.name),
        leash: options.leash,
        port: plan.port,
        monitoringPort: plan.monitoringPort,
        cluster: {
          serverName: plan.name,
          clusterName: CLUSTER_NAME,
          routePort: plan.routePort,
          peerRoutePorts: plans.filter((other) => other !== plan).map((other) => other.routePort),
          syncsAlways,
        },
      });
      const healthUrl = `http://${LOOPBACK}:${plan.monitoringPort}/healthz`;
      return { name: plan.name, server: unwinding.use(server), healthUrl };
    }),
  );
  const servers = starts.map((start) => {
    if (start.status === "rejected") throw start.reason;
    return start.value;
  });
  await pollUntilAnswers("the leader of the NATS cluster", () => allKnowLeader(plans), LEADER_TIMEOUT_MS);
  unwinding.move();
  return { url: servers.map(({ server }) => server.url).join(","), servers };
}

async function allKnowLeader(plans: readonly ServerPlan[]): Promise<boolean> {
  const answers = await Promise.all(plans.map(({ port }) => hasJetStreamLeader(port)));
  return answers.every(Boolean);
}

async function planServers(): Promise<readonly ServerPlan[]> {
  const taken = new Set<number>();
  const takePort = async (): Promise<number> => {
    const port = await findFreePort(taken);
    taken.add(port);
    return port;
  };
  const plans: ServerPlan[] = [];
  for (const name of SERVER_NAMES) {
    plans.push({ name, port: await takePort(), routePort: await takePort(), monitoringPort: await takePort() });
  }
  return plans;
}

async function areFree(plans: readonly ServerPlan[]): Promise<boolean> {
  const ports = plans.flatMap(({ port, routePort, monitoringPort }) => [port, routePort, monitoringPort]);
  return (await Promise.all(ports.map(isPortFree))).every(Boolean);
}
