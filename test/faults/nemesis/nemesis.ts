/**
 * Kills, freezes and restarts processes of a stack at random moments, several at once. Of a NATS cluster one server at
 * a time, as soon as the one before has caught up: the others are a quorum.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "@posthorn/testkit";
import { createSeededRandom } from "@posthorn/testkit";
import type { Stack } from "../../../deploy/local/stack.ts";
import type { ActLog } from "./act-log.ts";
import { carryOutAct } from "./carry-out-act.ts";
import { type ActLimits, planAct } from "./plan-acts.ts";
import { untilReplicasCurrent } from "./watch-replicas.ts";

/** Between the beginnings of two acts, when the run is long enough for it. */
export const PAUSE_MS_MAX = 10_000;
/** Of the longest pause: the shortest. */
const PAUSE_SHARE_MIN = 1 / 5;
/** Between the moment that a cluster is whole again and the next act on a server of it. */
const NODE_PAUSE_MS = { min: 500, max: 4_000 } as const;
/** Processes that are frozen or being replaced at one moment. */
const AT_ONCE_MAX = 2;

export type NemesisOptions = ActLimits & { readonly seed: number; readonly pauseMsMax: number };

/** Returns when `stopping` is aborted and everything runs again. */
export async function runNemesis(
  stack: Stack,
  options: NemesisOptions,
  log: ActLog,
  stopping: AbortSignal,
): Promise<void> {
  const names = Object.keys(stack.pids());
  const nodes = stack.natsLayout === "cluster" ? names.filter((name) => name.startsWith("nats-")) : [];
  const others = names.filter((name) => !nodes.includes(name));
  const random = createSeededRandom(options.seed);
  const randomOfNodes = createSeededRandom(options.seed + 1);
  await Promise.all([
    attackMany(stack, others, random, options, log, stopping),
    nodes.length === 0 ? undefined : attackOneByOne(stack, nodes, randomOfNodes, options, log, stopping),
  ]);
}

async function attackMany(
  stack: Stack,
  targets: readonly string[],
  random: SeededRandom,
  options: NemesisOptions,
  log: ActLog,
  stopping: AbortSignal,
): Promise<void> {
  const pauseMs = { min: Math.round(options.pauseMsMax * PAUSE_SHARE_MIN), max: Math.round(options.pauseMsMax) };
  const busy = new Map<string, Promise<void>>();
  while (!stopping.aborted) {
    await pause(random, pauseMs, stopping);
    if (stopping.aborted) break;
    const free = targets.filter((target) => !busy.has(target));
    const act = planAct(random, free, options);
    if (act === undefined || busy.size >= AT_ONCE_MAX) continue;
    const done = carryOutAct(stack, act, log, stopping).finally(() => busy.delete(act.target));
    busy.set(act.target, done);
    // Whoever waits for all of them below gets its failure; until then nobody does.
    done.catch(() => {});
  }
  await Promise.all(busy.values());
}

async function attackOneByOne(
  stack: Stack,
  nodes: readonly string[],
  random: SeededRandom,
  limits: ActLimits,
  log: ActLog,
  stopping: AbortSignal,
): Promise<void> {
  const healthUrls = [...stack.natsHealthUrls.values()];
  while (!stopping.aborted) {
    await untilReplicasCurrent(healthUrls, stopping);
    await pause(random, NODE_PAUSE_MS, stopping);
    if (stopping.aborted) break;
    const act = planAct(random, nodes, limits);
    if (act !== undefined) await carryOutAct(stack, act, log, stopping);
  }
}

type Range = { readonly min: number; readonly max: number };

function pause(random: SeededRandom, { min, max }: Range, stopping: AbortSignal): Promise<void> {
  return sleep(random.integer(min, max), undefined, { signal: stopping }).catch(() => {});
}
