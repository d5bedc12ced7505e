/**
 * Postgres down under load, and nothing else: first attempts go on at their pace, and when it is back history and
 * retries catch up. Needs a Postgres of its own, since the one of a stack is started again at once.
 */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenDatabase } from "@posthorn/database";
import { createDatabaseIfMissing, openPostgres, startLeash } from "@posthorn/local-servers";
import { backendFromEnvironment } from "@posthorn/testkit";
import type { ActLog } from "./act-log.ts";
import type { Publisher } from "./publisher.ts";
import type { Receivers } from "./receivers.ts";

export type OwnPostgres = AsyncDisposable & {
  readonly databaseUrl: string;
  stop(): Promise<void>;
  /** Returns when it answers. */
  start(): Promise<void>;
};

/** Per second, in the three parts of the run. */
type OutageRates = { readonly before: PartRates; readonly during: PartRates; readonly after: PartRates };
export type PartRates = { readonly seconds: number; readonly accepted: number; readonly firstAttempts: number };

export type OutageResult = {
  readonly rates: OutageRates;
  /** From the answer of Postgres until history had all that was accepted before it, and no retry was late. */
  readonly caughtUpMs: number | undefined;
};

export type OutageTimes = { readonly aroundMs: number; readonly downMs: number };

type Measured = {
  readonly publisher: Publisher;
  readonly receivers: Receivers;
  readonly database: OpenDatabase;
};

const CAUGHT_UP_MS_MAX = 300_000;
const CAUGHT_UP_POLL_MS = 250;
/** A retry that is due since less than this may be on its way. */
const LATE_S = 2;

export async function openOwnPostgres(folder: string): Promise<OwnPostgres> {
  await using unwinding = new AsyncDisposableStack();
  const leash = unwinding.use(startLeash());
  const opened = await openPostgres({
    env: { PATH: process.env.PATH },
    backend: backendFromEnvironment(process.env),
    dir: join(folder, "postgres"),
    logFile: join(folder, "postgres.log"),
    leash,
  });
  if (opened.kind !== "own") throw new Error("an outage needs a Postgres that may be stopped");
  const server = unwinding.use(opened.server);
  const databaseUrl = await createDatabaseIfMissing(server.url, "posthorn");
  const owned = unwinding.move();
  return {
    databaseUrl,
    stop: () => server.stop(),
    start: () => server.restart(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** @returns when the last part is over; the load goes on through all three. */
export async function runOutage(
  postgres: OwnPostgres,
  times: OutageTimes,
  measured: Measured & { readonly log: ActLog },
): Promise<OutageResult> {
  const before = await measure(times.aroundMs, measured);
  const back = measured.log.begin("down", "postgres", ` for ${(times.downMs / 1_000).toFixed(1)} s`);
  await postgres.stop();
  const during = await measure(times.downMs, measured);
  await postgres.start();
  back();
  const [after, caughtUpMs] = await Promise.all([
    measure(times.aroundMs, measured),
    awaitCaughtUp(measured.database, measured.publisher.accepted),
  ]);
  return { rates: { before, during, after }, caughtUpMs };
}

async function measure(forMs: number, { publisher, receivers }: Measured): Promise<PartRates> {
  const startedAtMs = performance.now();
  const [accepted, first] = [publisher.accepted, receivers.received.size];
  await sleep(forMs);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  return {
    seconds,
    accepted: (publisher.accepted - accepted) / seconds,
    firstAttempts: (receivers.received.size - first) / seconds,
  };
}

/** Undefined: not in time. */
async function awaitCaughtUp({ pool }: OpenDatabase, events: number): Promise<number | undefined> {
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < CAUGHT_UP_MS_MAX) {
    const answer = await pool
      .query<{ caught_up: boolean }>(
        `select (select count(*) from events) >= $1 and not exists (
           select from retry_due where kind = 'retry' and due_at < now() - make_interval(secs => ${LATE_S})
         ) as caught_up`,
        [events],
      )
      .catch(() => undefined);
    if (answer?.rows[0]?.caught_up === true) return performance.now() - startedAtMs;
    await sleep(CAUGHT_UP_POLL_MS);
  }
  return undefined;
}
