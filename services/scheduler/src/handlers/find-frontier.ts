/**
 * How far an ordered webhook's deliveries are known: up to where the matcher has worked off INGEST, once the projection
 * has caught up with what the matcher had logged by then. Before that an earlier delivery might still turn up.
 */

import type { OpenDatabase } from "@posthorn/database";
import { type BusConnection, streamPosition, workedUpTo } from "@posthorn/message-bus";
import { caughtUp, readLogEnds } from "./await-projection.ts";
import type { FrontierCandidate, Tenure } from "./tenure.ts";

export type FrontierPorts = { readonly pool: OpenDatabase["pool"]; readonly connection: BusConnection };

/** What was asked in an earlier round is confirmed before anything newer is asked for. */
export async function advanceFrontier({ pool, connection }: FrontierPorts, tenure: Tenure): Promise<void> {
  tenure.frontierCandidate ??= await askForFrontier(connection, tenure.partition);
  const { frontier, logEnd } = tenure.frontierCandidate;
  if ((await caughtUp(pool, logEnd)).length === 0) return;
  tenure.frontier = frontier;
  tenure.frontierCandidate = undefined;
}

/** In this order: what the matcher has worked off was in the log before. */
async function askForFrontier(connection: BusConnection, partition: number): Promise<FrontierCandidate> {
  const { epochMs } = await streamPosition(connection, "INGEST");
  const sequence = await workedUpTo(connection, "matcher", "INGEST", partition);
  return { frontier: { epochMs, sequence }, logEnd: await readLogEnds(connection, [partition]) };
}
