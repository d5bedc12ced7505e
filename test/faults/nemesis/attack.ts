/** The time of faults: load and probes go on while the nemesis, or an outage of Postgres, does its work. */

import { setTimeout as sleep } from "node:timers/promises";
import type { OpenDatabase } from "@posthorn/database";
import type { Stack } from "../../../deploy/local/stack.ts";
import type { ActLog } from "./act-log.ts";
import { type LoadedTenant, publishLoad } from "./load.ts";
import { PAUSE_MS_MAX, runNemesis } from "./nemesis.ts";
import { FROZEN_MS_MAX } from "./plan-acts.ts";
import { type OutageResult, type OwnPostgres, runOutage } from "./postgres-outage.ts";
import { type ProbeCounts, probeConfiguration } from "./probe-configuration.ts";
import type { Publisher } from "./publisher.ts";
import type { Receivers } from "./receivers.ts";
import type { RunOptions } from "./run-options.ts";

export type Battlefield = {
  readonly options: RunOptions;
  readonly say: (line: string) => void;
  readonly stack: Stack;
  readonly database: OpenDatabase;
  readonly receivers: Receivers;
  readonly publisher: Publisher;
  readonly tenants: readonly LoadedTenant[];
  /** The path of each webhook. */
  readonly pathOf: Map<string, string>;
  readonly log: ActLog;
  /** In an outage run: the one that is stopped. */
  readonly postgres: OwnPostgres | undefined;
};

export type Attacked = {
  readonly probes: ProbeCounts;
  /** The longest times without an accepted event, and without a request to any receiver. */
  readonly silencesMs: { readonly publishes: number; readonly requests: number };
  readonly outage: OutageResult | undefined;
};

const MS_PER_MINUTE = 60_000;
/** For publishes that are under way when the load ends. */
const GIVE_UP_MS = 60_000;
/** A freeze fills no more than this share of a short run, and neither does the time between two acts. */
const RUN_SHARE_MAX = 1 / 4;
const PROGRESS_EVERY_MS = 15_000;
const NO_PROBES: ProbeCounts = { created: 0, deleted: 0, undecided: 0 };

/** Returns when the faults are over and everything that was published is accepted, or given up. */
export async function attack(field: Battlefield): Promise<Attacked> {
  const { options, publisher, tenants, postgres } = field;
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const progress = setInterval(() => field.say(describeProgress(field)), PROGRESS_EVERY_MS);
  const publishing = publishLoad(tenants, publisher, options.eventsPerSecond, stopping.signal, givingUp.signal);
  // Configuration waits for Postgres, by design.
  const probing =
    postgres === undefined
      ? probeConfiguration({ ...field, givingUp: givingUp.signal }, stopping.signal)
      : Promise.resolve(NO_PROBES);
  try {
    const outage = await (postgres === undefined ? fight(field) : runOutage(postgres, outageTimes(options), field));
    stopping.abort();
    const timer = setTimeout(() => givingUp.abort(), GIVE_UP_MS);
    const [probes] = await Promise.all([probing, publishing]);
    clearTimeout(timer);
    const silencesMs = { publishes: publisher.longestSilenceMs, requests: field.receivers.longestSilenceMs };
    return { probes, outage, silencesMs };
  } finally {
    clearInterval(progress);
    stopping.abort();
    givingUp.abort();
    await Promise.allSettled([publishing, probing]);
  }
}

async function fight({ options, stack, log }: Battlefield): Promise<undefined> {
  const runMs = options.minutes * MS_PER_MINUTE;
  const over = new AbortController();
  const limits = {
    seed: options.seed,
    spared: options.spared,
    frozenMsMax: Math.min(FROZEN_MS_MAX, runMs * RUN_SHARE_MAX),
    pauseMsMax: Math.min(PAUSE_MS_MAX, runMs * RUN_SHARE_MAX),
  };
  const fighting = runNemesis(stack, limits, log, over.signal);
  try {
    await Promise.race([sleep(runMs), fighting]);
  } finally {
    over.abort();
  }
  await fighting;
}

function outageTimes({ minutes, postgresDownMinutes }: RunOptions) {
  return { aroundMs: minutes * MS_PER_MINUTE, downMs: postgresDownMinutes * MS_PER_MINUTE };
}

function describeProgress({ log, publisher, receivers }: Battlefield): string {
  const { accepted, underWay } = publisher;
  return `${log.clock(Date.now())}  accepted ${accepted}, under way ${underWay}, delivered ${receivers.delivered}`;
}
