/** Builds the scheduler from its parts and starts it. */

import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import {
  BusConnection,
  ConfigReplica,
  ensureStreams,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
} from "@posthorn/message-bus";
import { type DependencyHandle, retryForever, type Shell } from "@posthorn/service-runtime";
import type { SchedulerConfig } from "./config.ts";
import { createSchedulerEvents, type SchedulerEvents } from "./events.ts";
import { caughtUp, type LogEnds, readLogEnds } from "./handlers/await-projection.ts";
import { createReconcile, type ReconcilePorts } from "./handlers/reconcile.ts";
import { isFullPage, type ReleasePorts, releaseDue, releaseParked } from "./handlers/release-due.ts";
import { openDueDeliveries } from "./io/due-deliveries.ts";
import { WebhookStates } from "./io/webhook-states.ts";

const POOL_MAX = 4;
/** How late a retry may be for want of a look. */
const RELEASE_EVERY_MS = 200;
const PARKED_EVERY_MS = 1_000;
const RECONCILE_EVERY_MS = 30_000;
const CAUGHT_UP_EVERY_MS = 500;
const TROUBLE_WAIT_MS = 1_000;
const HEALTH_EVERY_MS = 1_000;
const RETRY_MS = { firstDelayMs: 200, maxDelayMs: 5_000 };
/** At a stop a round may end; one that waits for an outage to pass is left, its claims run out. */
const STOP_MS_MAX = 3_000;

export async function startScheduler(config: SchedulerConfig, shell: Shell): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const events = createSchedulerEvents(shell.log, shell.metrics);
  const nats = shell.health.dependency("nats");
  const postgres = shell.health.dependency("postgres");
  const { stopping } = shell;
  const connection = stack.use(
    await BusConnection.open({ servers: config.natsUrls.join(","), name: "scheduler", health: nats, stopping }),
  );
  const streams = { replicas: config.natsReplicas, bytesMax: STREAM_BYTES_MAX_DEFAULT };
  await retryForever(() => ensureStreams(connection, streams), {
    ...RETRY_MS,
    signal: stopping,
    onRetry: ({ error }) => events.trouble("stream", error),
  });
  const { pool } = stack.use(openDatabase(config.databaseUrl, { poolMax: POOL_MAX, applicationName: "scheduler" }));
  const publisher = stack.use(
    new Publisher(connection, { onRefused: (subject, message) => events.trouble(subject, message) }),
  );
  const webhooks = new WebhookStates();
  const replica = stack.use(
    new ConfigReplica(connection, publisher, {
      onValue: (key, value) => webhooks.apply(key, value),
      onReset: () => webhooks.clear(),
      onTrouble: (reason) => events.trouble("configuration", reason),
    }),
  );
  const releasing: ReleasePorts = {
    due: openDueDeliveries(pool),
    publisher,
    configRevision: () => replica.appliedRevision,
    isPaused: ({ orgId, webhookId }) => !replica.isComplete || webhooks.isPaused(orgId, webhookId),
    events,
    startedAtMs: Date.now(),
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
  };
  const reconcileAfterMs = config.reconcileAfterS * 1_000;
  const reconciling = { pool, connection, publisher, events, reconcileAfterMs, nowMs: Date.now };
  stack.use(runRounds({ releasing, reconciling, postgres }, events));
  return stack.move();
}

type Rounds = {
  readonly releasing: ReleasePorts;
  readonly reconciling: ReconcilePorts;
  readonly postgres: DependencyHandle;
};

/** Loops that end together; each waits for its round, so that none overtakes itself. */
function runRounds({ releasing, reconciling, postgres }: Rounds, events: SchedulerEvents): AsyncDisposable {
  const { pool, connection } = reconciling;
  const reconcile = createReconcile(reconciling);
  const stopping = new AbortController();
  let ends: LogEnds | undefined;
  let open: readonly number[] = [];

  async function round(part: string, everyMs: number, act: () => Promise<boolean>): Promise<void> {
    while (!stopping.signal.aborted) {
      let waitMs = everyMs;
      try {
        if (await act()) continue;
      } catch (error) {
        events.trouble(part, error);
        waitMs = TROUBLE_WAIT_MS;
      }
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  /** Otherwise rows would be claimed that cannot be published. */
  function whileConnected(release: typeof releaseDue): () => Promise<boolean> {
    return async () => connection.isConnected && isFullPage(await release(releasing, open));
  }

  const running = [
    round("postgres", HEALTH_EVERY_MS, () => reportHealth(pool, postgres)),
    round("catching up", CAUGHT_UP_EVERY_MS, async () => {
      ends ??= await readLogEnds(connection);
      if (open.length < ALL_PARTITIONS.length) open = await caughtUp(pool, ends);
      events.heldBack(ALL_PARTITIONS.length - open.length);
      return false;
    }),
    round("release", RELEASE_EVERY_MS, whileConnected(releaseDue)),
    round("parked", PARKED_EVERY_MS, whileConnected(releaseParked)),
    round("reconcile", RECONCILE_EVERY_MS, async () => {
      for (const partition of open) await reconcile(partition);
      return false;
    }),
  ];
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await Promise.race([Promise.all(running), sleep(STOP_MS_MAX, undefined, { ref: false })]);
    },
  };
}

async function reportHealth(pool: ReconcilePorts["pool"], postgres: DependencyHandle): Promise<boolean> {
  try {
    await pool.query("select 1");
    postgres.up();
  } catch (error) {
    postgres.down(error instanceof Error ? error.message : String(error));
  }
  return false;
}
