/** After the faults: waits until history says of every delivery how it ended, for a bounded time. */

import { setTimeout as sleep } from "node:timers/promises";
import type { OpenDatabase } from "@posthorn/database";

export type Progress = { readonly events: number; readonly deliveries: number; readonly open: number };

export type DrainOptions = {
  /** How many there have to be, at least. */
  readonly events: number;
  readonly deliveries: number;
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
};

const POLL_MS = 500;
const SAY_EVERY_MS = 10_000;

/** @returns how long it took; undefined when it was not done in time. */
export async function awaitDrained(database: OpenDatabase, options: DrainOptions): Promise<number | undefined> {
  const startedAtMs = performance.now();
  let saidAtMs = startedAtMs;
  while (performance.now() - startedAtMs < options.timeoutMs) {
    const progress = await readProgress(database).catch(() => undefined);
    if (progress !== undefined && isDrained(progress, options)) return performance.now() - startedAtMs;
    if (performance.now() - saidAtMs > SAY_EVERY_MS) {
      saidAtMs = performance.now();
      options.say(describeProgress(progress, options));
    }
    await sleep(POLL_MS);
  }
  return undefined;
}

function isDrained({ events, deliveries, open }: Progress, wanted: DrainOptions): boolean {
  return open === 0 && events >= wanted.events && deliveries >= wanted.deliveries;
}

function describeProgress(progress: Progress | undefined, wanted: DrainOptions): string {
  if (progress === undefined) return "waiting for Postgres to answer";
  const { events, deliveries, open } = progress;
  const known = `${events} of ${wanted.events} events, ${deliveries} of ${wanted.deliveries} deliveries`;
  return `history: ${known}, ${open} open`;
}

export async function readProgress({ pool }: OpenDatabase): Promise<Progress> {
  const { rows } = await pool.query<Progress>(
    `select (select count(*) from events) as events, (select count(*) from deliveries) as deliveries,
       (select count(*) from deliveries where completed_at is null) as open`,
  );
  return rows[0] ?? { events: 0, deliveries: 0, open: 0 };
}
