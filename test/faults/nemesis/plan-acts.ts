/** Decides what the nemesis does next: by a seeded source alone, so that a seed gives the same plan again. */

import type { SeededRandom } from "@posthorn/testkit";

/** `kill` is SIGKILL, `freeze` SIGSTOP and later SIGCONT, `restart` the signal that asks the program to end. */
export type ActKind = "kill" | "freeze" | "restart";

export type PlannedAct = {
  readonly kind: ActKind;
  readonly target: string;
  /** How long it stays frozen; 0 for the other kinds. */
  readonly frozenMs: number;
};

export type ActLimits = {
  /** Targets, and acts on one ("kill dispatcher"), that do not happen. */
  readonly spared: readonly string[];
  readonly frozenMsMax: number;
};

const KINDS: readonly ActKind[] = ["kill", "kill", "kill", "kill", "freeze", "freeze", "freeze", "restart", "restart"];
const FROZEN_MS_MIN = 1_000;
/** Usually; one in ten freezes is longer than most leases and time-outs. */
const FROZEN_MS_USUAL = 12_000;
const LONG_FREEZE_SHARE = 1 / 10;
/** Longer than the longest lease, 66 s. */
export const FROZEN_MS_MAX = 75_000;

/** @returns undefined when every target is spared or not free. */
export function planAct(random: SeededRandom, targets: readonly string[], limits: ActLimits): PlannedAct | undefined {
  const kind = random.pick(KINDS);
  const candidates = targets.filter((target) => !isSpared(kind, target, limits.spared));
  if (candidates.length === 0) return undefined;
  const target = random.pick(candidates);
  return { kind, target, frozenMs: kind === "freeze" ? frozenMs(random, target, limits) : 0 };
}

function frozenMs(random: SeededRandom, target: string, { frozenMsMax }: ActLimits): number {
  const isLong = random.next() < LONG_FREEZE_SHARE && !isServer(target);
  const ms = isLong ? random.integer(FROZEN_MS_USUAL, FROZEN_MS_MAX) : random.integer(FROZEN_MS_MIN, FROZEN_MS_USUAL);
  return Math.min(ms, frozenMsMax);
}

/** Without it nothing else goes on: a long freeze of it would only be a pause of the run. */
function isServer(target: string): boolean {
  return target === "postgres" || target.startsWith("nats");
}

function isSpared(kind: ActKind, target: string, spared: readonly string[]): boolean {
  return spared.includes(target) || spared.includes(`${kind} ${target}`);
}
