/**
 * One run: a whole stack with load, probes and faults, then the drain and the judgement. Everything that was recorded
 * stays in its folder.
 */

import { join } from "node:path";
import { openDatabase } from "@posthorn/database";
import type { ServiceName } from "../../../deploy/local/service-table.ts";
import { startTestStack, type TestStack } from "../../../deploy/local/test-stack.ts";
import { AcceptedFile, readAcceptedFile } from "./accepted-file.ts";
import { ActLog } from "./act-log.ts";
import { type Attacked, attack, type Battlefield } from "./attack.ts";
import { awaitDrained } from "./await-drained.ts";
import { checkRun } from "./check-run.ts";
import { type FiguresWatch, watchFigures } from "./figures-watch.ts";
import { openIngestClient } from "./ingest-client.ts";
import { openTenants } from "./load.ts";
import { openOwnPostgres } from "./postgres-outage.ts";
import { Publisher } from "./publisher.ts";
import { readHistory } from "./read-history.ts";
import { readStoredEvents } from "./read-stored-events.ts";
import { startReceivers } from "./receivers.ts";
import type { RunReport } from "./report.ts";
import type { RunOptions } from "./run-options.ts";
import { verifyRebuild } from "./verify-rebuild.ts";

/** Lost work items are made again after this time, the shortest that the scheduler takes. */
const RECONCILE_AFTER_S = "130";
/** The longest lease, then two looks of the reconciler. */
const DRAIN_MS_MAX = 270_000;
const COUNTING_SERVICES: readonly ServiceName[] = ["dispatcher", "projector"];
const FIGURES = [
  "posthorn_possible_repeats_total",
  "posthorn_repeated_attempts_total",
  "posthorn_fenced_total",
] as const;

export type RunPorts = {
  /** Exists and is empty; for everything that the run writes. */
  readonly folder: string;
  readonly say: (line: string) => void;
};

/** Rejects when the run itself fails: a stack that does not start, a process that does not come back. */
export async function runFaults(options: RunOptions, { folder, say }: RunPorts): Promise<RunReport> {
  const startedAtMs = performance.now();
  await using postgres = options.postgresDownMinutes > 0 ? await openOwnPostgres(folder) : undefined;
  await using stack = await startTestStack({
    dataDir: join(folder, "data"),
    natsLayout: options.natsLayout,
    counts: options.counts,
    serviceEnv: { scheduler: { POSTHORN_RECONCILE_AFTER_S: RECONCILE_AFTER_S } },
    ...(postgres === undefined ? {} : { env: { DATABASE_URL: postgres.databaseUrl } }),
  });
  await using receivers = await startReceivers({ ...options, recordPath: join(folder, "requests.jsonl") });
  const acceptedPath = join(folder, "accepted.jsonl");
  using client = openIngestClient(stack.stack.ingestUrl);
  await using file = await AcceptedFile.open(acceptedPath);
  await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 2, applicationName: "faults" });
  await using figures = watchFigures(stack.stack, COUNTING_SERVICES, FIGURES);
  const pathOf = new Map<string, string>();
  const tenants = await openTenants(stack, { ...options, receiverUrl: receivers.url, client }, pathOf);
  const publisher = new Publisher(file);
  const log = new ActLog(say);
  const field = { options, say, stack: stack.stack, database, receivers, publisher, tenants, pathOf, log, postgres };
  const attacked = await attack(field);

  say(`${log.clock(Date.now())}  the faults are over; waiting until everything has ended`);
  await stack.awaitReady();
  const judged = await judge(field, { stack, figures, acceptedPath }, attacked);
  return { ...judged, tookMs: performance.now() - startedAtMs };
}

type Sources = {
  readonly stack: TestStack;
  readonly figures: FiguresWatch;
  readonly acceptedPath: string;
};

async function judge(
  { options, say, log, database, receivers, publisher, pathOf }: Battlefield,
  { stack, figures, acceptedPath }: Sources,
  { probes, outage, silencesMs }: Attacked,
): Promise<Omit<RunReport, "tookMs">> {
  const accepted = await readAcceptedFile(acceptedPath);
  const deliveries = sum(accepted.map(({ webhookIds }) => webhookIds.length));
  const wanted = { events: accepted.length, deliveries, timeoutMs: DRAIN_MS_MAX, say };
  const drainedMs = await awaitDrained(database, wanted);
  say(`${log.clock(Date.now())}  ${drainedMs === undefined ? "NOT drained in time" : "drained"}; checking`);
  const history = await readHistory(database);
  const stored = await readStoredEvents(stack.stack.natsUrl);
  const verdict = checkRun({ accepted, received: receivers.received, history, stored, acts: log.acts, pathOf });
  await figures.look();
  const warnings = stack.events.flatMap((event) => (event.kind === "warning" ? [event.text] : []));
  return {
    options,
    verdict,
    acts: log.acts,
    refused: publisher.refused,
    unaccepted: publisher.unaccepted,
    probes,
    requests: receivers.requests,
    silencesMs,
    drainedMs,
    outage,
    reported: {
      marked: sum([...history.marked.values()]),
      counted: sum([...history.deliveries.values()].map(({ repeatedAttempts }) => repeatedAttempts)),
      figures: new Map(FIGURES.map((name) => [name, figures.total(name)])),
    },
    alarms: warnings.filter((text) => text.includes("ALARM")),
    rebuild: await verifyRebuild(stack.stack.databaseUrl),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
