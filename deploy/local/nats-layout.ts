/** Whether a stack's own NATS is one server or a cluster of three: a data folder keeps the layout it began with. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "@posthorn/local-servers";

export type NatsLayout = "single" | "cluster";

/** As many copies of each stream as the cluster has servers. */
const CLUSTER_REPLICAS = "3";

/** In the data folder. The streams of one layout cannot be read by the other. */
const LAYOUT_FOLDERS: Readonly<Record<NatsLayout, string>> = { single: "nats", cluster: "nats-cluster" };

export function natsFolder(dataDir: string, layout: NatsLayout): string {
  return join(dataDir, LAYOUT_FOLDERS[layout]);
}

/** The environment with what follows from the layout; it may itself say how many copies a cluster keeps. */
export function withReplicas(env: Environment, layout: NatsLayout): Environment {
  const given = env.POSTHORN_NATS_REPLICAS;
  if (layout === "single" || (given !== undefined && given !== "")) return env;
  return { ...env, POSTHORN_NATS_REPLICAS: CLUSTER_REPLICAS };
}

/** Why the folder, or the environment, does not go with the wanted layout; undefined when it does. */
export function refuseLayout(env: Environment, dataDir: string, wanted: NatsLayout): string | undefined {
  const isExternal = env.NATS_URL !== undefined && env.NATS_URL !== "";
  if (isExternal) {
    if (wanted === "single") return undefined;
    return "--nats-cluster starts servers of its own, and NATS_URL names running ones: leave one of the two out.";
  }
  const other: NatsLayout = wanted === "cluster" ? "single" : "cluster";
  if (!existsSync(natsFolder(dataDir, other))) return undefined;
  return wanted === "cluster"
    ? `${dataDir} holds the streams of a single NATS server: leave --nats-cluster out, or set another POSTHORN_DATA_DIR.`
    : `${dataDir} holds the streams of a NATS cluster: start it with --nats-cluster, or set another POSTHORN_DATA_DIR.`;
}
