/** Builds the scheduler from its parts and starts it. */

import { openDatabase } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import {
  BusConnection,
  ConfigReplica,
  ensureStreams,
  keepStreams,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
  untakenIn,
} from "@posthorn/message-bus";
import { retryForever, type Shell } from "@posthorn/service-runtime";
import type { SchedulerConfig } from "./config.ts";
import { WebhookStates } from "./core/webhook-states.ts";
import { createSchedulerEvents, type SchedulerEvents } from "./events.ts";
import { caughtUp, type LogEnds, readLogEnds } from "./handlers/await-projection.ts";
import { type DisablePorts, disableFailing } from "./handlers/disable-failing.ts";
import { followLog } from "./handlers/follow-log.ts";
import { LaneBoard } from "./handlers/lane-board.ts";
import { makeRoom, type RoomPorts } from "./handlers/make-room.ts";
import { type Ownership, ownPartitions } from "./handlers/own-partitions.ts";
import { PacedRelease, type PacePorts } from "./handlers/pace-release.ts";
import { createReconcile, type ReconcilePorts } from "./handlers/reconcile.ts";
import { releaseLanes } from "./handlers/release-lanes.ts";
import { type RunPorts, releaseRuns } from "./handlers/release-runs.ts";
import { releaseIntoSlots } from "./handlers/release-slots.ts";
import { restoreCreations } from "./handlers/restore-creations.ts";
import { type RetentionPorts, retireHistory } from "./handlers/retire-history.ts";
import { type Round, runRounds } from "./handlers/run-rounds.ts";
import { type ConnectionWatch, watchConnection } from "./handlers/watch-connection.ts";
import { type ReplayPorts, workReplays } from "./handlers/work-replays.ts";
import { openDueDeliveries } from "./io/due-deliveries.ts";
import { exhaustedReader } from "./io/exhausted-rows.ts";
import { openLaneRows } from "./io/lane-rows.ts";
import { openLogWriter } from "./io/log-writer.ts";
import { openOldHistory } from "./io/old-history.ts";
import { openReplayRows } from "./io/replay-rows.ts";
import { openRunRows } from "./io/run-rows.ts";

const POOL_MAX = 8;
/** Lanes and slots: well below the lead of a slot. */
const LANES_EVERY_MS = 100;
/** While nothing is parked anywhere. */
const EMPTY_LANES_EVERY_MS = 500;
/** A webhook's next run waits for this look. */
const RUNS_EVERY_MS = 50;
/** Slots and runs while nothing is parked anywhere. */
const NO_LANES_EVERY_MS = 250;
const REPLAYS_EVERY_MS = 1_000;
const RECONCILE_EVERY_MS = 30_000;
const DISABLE_EVERY_MS_MAX = 60_000;
/** Share of the time after which a webhook is disabled by which it may come late. */
const DISABLE_LATE_SHARE = 0.1;
/** Often and little: what was accepted in one minute a month ago. */
const RETIRE_EVERY_MS = 60_000;
/** A fifth of a stream is left when room is made: far more than can come in meanwhile. */
const ROOM_EVERY_MS = 10_000;
/** The scheduler that owns this partition does what there is one of for all. */
const HOUSEKEEPING_PARTITION = 0;
const HOUSEKEEPER_LOOK_MS = 1_000;
const DAY_MS = 24 * 3_600_000;
const CAUGHT_UP_EVERY_MS = 500;
const RETRY_MS = { firstDelayMs: 200, maxDelayMs: 5_000 };
/** Share of the server's largest message that one of ours may fill. */
const MESSAGE_SHARE = 0.75;

export async function startScheduler(config: SchedulerConfig, shell: Shell): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const events = createSchedulerEvents(shell.log, shell.metrics);
  const nats = shell.health.dependency("nats");
  const { stopping } = shell;
  const connection = stack.use(
    await BusConnection.open({ servers: config.natsUrls.join(","), name: "scheduler", health: nats, stopping }),
  );
  const streams = { replicas: config.natsReplicas, bytesMax: STREAM_BYTES_MAX_DEFAULT };
  const onRetry = ({ error }: { readonly error: unknown }) => events.trouble("stream", error);
  const untilDone = { ...RETRY_MS, signal: stopping, onRetry };
  await retryForever(() => ensureStreams(connection, streams), untilDone);
  const onStreamTrouble = (reason: string) => events.trouble("stream", reason);
  stack.use(keepStreams(connection, { settings: streams, onTrouble: onStreamTrouble }));
  const { pool } = stack.use(openDatabase(config.databaseUrl, { poolMax: POOL_MAX, applicationName: "scheduler" }));
  const publisher = stack.use(
    new Publisher(connection, { onRefused: (subject, message) => events.trouble(subject, message) }),
  );
  const webhooks = new WebhookStates();
  const replica = stack.use(
    new ConfigReplica(connection, publisher, {
      onValue: (key, value) => webhooks.apply(key, value, Date.now()),
      onReset: () => webhooks.clear(),
      onTrouble: (reason) => events.trouble("configuration", reason),
    }),
  );
  const postgres = shell.health.dependency("postgres");
  const ownership = stack.use(ownPartitions({ pool, connection, postgres, events }));
  const watch = stack.use(watchConnection(connection, config.reconcileAfterS * 1_000, () => performance.now()));
  const ports = createPorts({
    config,
    events,
    pool,
    connection,
    publisher,
    webhooks,
    replica,
    ownership,
    watch,
    stopping,
  });
  const announcing = {
    webhooks,
    readExhausted: exhaustedReader(pool),
    isProjected: async (partition: number, sequence: number) => {
      const [end] = await readLogEnds(connection, [partition]);
      return end !== undefined && (await caughtUp(pool, [{ partition, end: { ...end.end, sequence } }])).length > 0;
    },
    publisher,
    events,
    nowMs: Date.now,
  };
  stack.use(followLog(connection, announcing, () => replica.isComplete));
  const isReady = () => connection.isConnected && replica.isComplete;
  stack.use(runRounds(createRounds(ports, ownership, isReady, events), events.trouble));
  return stack.move();
}

type Parts = {
  readonly config: SchedulerConfig;
  readonly events: SchedulerEvents;
  readonly pool: ReconcilePorts["pool"];
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly webhooks: WebhookStates;
  readonly replica: ConfigReplica;
  readonly ownership: Ownership;
  readonly watch: ConnectionWatch;
  readonly stopping: AbortSignal;
};

type Ports = PacePorts & RunPorts & ReplayPorts & ReconcilePorts & DisablePorts & RetentionPorts & RoomPorts;

function createPorts(parts: Parts): Ports {
  const { config, events, pool, connection, publisher, webhooks, replica, ownership, watch, stopping } = parts;
  const messageBytesMax = Math.floor((connection.nats.info?.max_payload ?? 0) * MESSAGE_SHARE);
  return {
    pool,
    connection,
    publisher,
    events,
    rows: openDueDeliveries(pool),
    lanes: openLaneRows(pool),
    runs: openRunRows(pool),
    replays: openReplayRows(pool),
    history: openOldHistory(pool),
    writeLog: openLogWriter(publisher, messageBytesMax),
    configRevision: () => replica.appliedRevision,
    followsLog: () => webhooks.hasOperationalSubscribers,
    knownWebhook: ({ orgId, webhookId }) => webhooks.get(orgId, webhookId),
    seenAtMs: ({ orgId, webhookId }) => webhooks.seenAtMs(orgId, webhookId),
    untakenRetries: (partition) => untakenIn(connection, "dispatcher", "RETRY", partition),
    inRuns: () => ownership.current().flatMap(({ runs }) => [...runs.keys()]),
    quietForMs: () => watch.quietForMs(),
    disableAfterMs: config.disableAfterS * 1_000,
    retentionMs: config.retentionDays * DAY_MS,
    auditRetentionMs: config.auditRetentionDays * DAY_MS,
    mayGoOn: () =>
      !stopping.aborted && ownership.current().some(({ partition }) => partition === HOUSEKEEPING_PARTITION),
    startedAtMs: Date.now(),
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    roll: Math.random,
  };
}

/** @param isReady otherwise rows would be claimed that cannot be published, or released against the configuration. */
function createRounds(
  ports: Ports,
  ownership: Ownership,
  isReady: () => boolean,
  events: SchedulerEvents,
): readonly Round[] {
  const board = new LaneBoard();
  const release = new PacedRelease(ports);
  const reconcile = createReconcile(ports);
  const owned = () => (isReady() ? ownership.current() : []);
  let ends: LogEnds | undefined;
  let open: readonly number[] = [];

  const catchUp = async () => {
    ends ??= await readLogEnds(ports.connection);
    if (open.length < ALL_PARTITIONS.length) open = await caughtUp(ports.pool, ends);
    events.heldBack(ALL_PARTITIONS.length - open.length);
    await ownership.catchUp();
  };
  const releaseParked = async () => {
    await board.look(ports.lanes, ports.knownWebhook, owned());
    await releaseLanes(ports, board.lanes);
  };
  const reconcileAll = async () => {
    for (const { partition } of owned()) {
      await reconcile(partition);
      await restoreCreations(ports, partition);
    }
  };
  return [
    { part: "catching up", everyMs: CAUGHT_UP_EVERY_MS, act: once(catchUp) },
    {
      part: "release",
      everyMs: () => release.lookAfterMs,
      act: async () => isReady() && (await release.run(open)),
    },
    {
      part: "lanes",
      everyMs: () => (board.lanes.length > 0 ? LANES_EVERY_MS : EMPTY_LANES_EVERY_MS),
      act: once(releaseParked),
    },
    {
      part: "slots",
      everyMs: () => (board.lanes.length > 0 ? LANES_EVERY_MS : NO_LANES_EVERY_MS),
      act: once(() => releaseIntoSlots(ports, board.ofKind("slots", owned()))),
    },
    {
      part: "runs",
      everyMs: () => (board.lanes.length > 0 ? RUNS_EVERY_MS : NO_LANES_EVERY_MS),
      act: once(() => releaseRuns(ports, board.ofKind("run", owned()), owned())),
    },
    { part: "replays", everyMs: REPLAYS_EVERY_MS, act: () => workReplays(ports, owned()) },
    { part: "reconcile", everyMs: RECONCILE_EVERY_MS, act: once(reconcileAll) },
    {
      part: "disabling",
      everyMs: Math.min(DISABLE_EVERY_MS_MAX, ports.disableAfterMs * DISABLE_LATE_SHARE),
      act: once(() => disableFailing(ports, owned())),
    },
    ...housekeepingRounds(ports),
  ];
}

/** What one scheduler does for all partitions, begun soon after it has become the one. */
function housekeepingRounds(ports: Ports): readonly Round[] {
  const round = (part: string, everyMs: number, act: () => Promise<void>): Round => {
    let actedAtMs = Number.NEGATIVE_INFINITY;
    return {
      part,
      everyMs: HOUSEKEEPER_LOOK_MS,
      act: once(async () => {
        if (!ports.mayGoOn() || ports.monotonicMs() - actedAtMs < everyMs) return;
        actedAtMs = ports.monotonicMs();
        await act();
      }),
    };
  };
  return [
    round("retention", RETIRE_EVERY_MS, () => retireHistory(ports)),
    round("room", ROOM_EVERY_MS, () => makeRoom(ports)),
  ];
}

/** However much there was to do, the next round comes at its time. */
function once(act: () => Promise<unknown>): () => Promise<boolean> {
  return async () => {
    await act();
    return false;
  };
}
