/**
 * A scheduler: releases, lanes and the reconciler as they are, put together as its `service.ts` does, on rows of the
 * modelled tables. Rate-limited and ordered webhooks, replays and retention are not simulated.
 */

import { ConfigReplica, Publisher, untakenIn } from "@posthorn/message-bus";
import type { Lane } from "../../services/scheduler/src/core/lane-mode.ts";
import { WebhookStates } from "../../services/scheduler/src/core/webhook-states.ts";
import { createSchedulerEvents } from "../../services/scheduler/src/events.ts";
import { caughtUp, type LogEnds, readLogEnds } from "../../services/scheduler/src/handlers/await-projection.ts";
import { LaneBoard } from "../../services/scheduler/src/handlers/lane-board.ts";
import { createReconcile } from "../../services/scheduler/src/handlers/reconcile.ts";
import { releaseDue } from "../../services/scheduler/src/handlers/release-due.ts";
import { releaseLanes } from "../../services/scheduler/src/handlers/release-lanes.ts";
import { type Round, runRounds } from "../../services/scheduler/src/handlers/run-rounds.ts";
import { Tenure } from "../../services/scheduler/src/handlers/tenure.ts";
import { openLogWriter } from "../../services/scheduler/src/io/log-writer.ts";
import { NO_METRICS, SILENT_LOG } from "./silent-events.ts";
import { dueDeliveriesOn, laneRowsOn } from "./waiting-rows-model.ts";
import { type Process, startProcess, type World } from "./world.ts";

const MESSAGE_BYTES_MAX = 100_000;
/** Rarer than in the service: a look at rows that nobody is waiting for costs the simulation most. */
const ROUND_MS = 1_000;
const RECONCILE_EVERY_MS = 30_000;
const RECONCILE_AFTER_MS = 60_000;

export function runScheduler(world: World, name: string): Process {
  return startProcess(world, name, async (process) => {
    const ports = createPorts(world, name, process);
    const tenures = world.partitions.map((one) => new Tenure(one, Date.now(), performance.now()));
    runRounds(createRounds(ports, tenures, world.partitions), (part, error) =>
      world.trace.add(() => `${name} had trouble with ${part}: ${String(error)}`),
    );
  });
}

type Ports = ReturnType<typeof createPorts>;

function createPorts({ database, observed, trace, mutation, random }: World, name: string, process: Process) {
  const { actor } = process;
  const connection = process.connection.asConnection();
  const publisher = mutation.schedulerPublisher(new Publisher(connection));
  const webhooks = new WebhookStates();
  const replica = new ConfigReplica(connection, publisher, {
    onValue: (key, value) => webhooks.apply(key, value, Date.now()),
    onReset: () => webhooks.clear(),
    onTrouble: () => {},
  });
  return {
    pool: database.poolOf(actor),
    connection,
    publisher,
    replica,
    isReady: () => process.connection.isConnected && replica.isComplete,
    events: {
      ...createSchedulerEvents(SILENT_LOG, NO_METRICS),
      released: (kind: string) => trace.add(() => `${name} released one: ${kind}`),
      releaseKnownAlready: () => trace.add(() => `${name} released what the stream knew`),
      reconciled: (deliveryId: string) => observed.reconciled.push(deliveryId),
    },
    rows: dueDeliveriesOn(database, actor),
    lanes: laneRowsOn(database, actor),
    writeLog: openLogWriter(publisher, MESSAGE_BYTES_MAX),
    configRevision: () => replica.appliedRevision,
    knownWebhook: ({ orgId, webhookId }: Pick<Lane, "orgId" | "webhookId">) => webhooks.get(orgId, webhookId),
    inRuns: () => [],
    untakenRetries: (partition: number) => untakenIn(connection, "dispatcher", "RETRY", partition),
    quietForMs: () => RECONCILE_AFTER_MS,
    startedAtMs: Date.now(),
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    roll: () => random.next(),
  };
}

function createRounds(ports: Ports, tenures: readonly Tenure[], partitions: readonly number[]): readonly Round[] {
  const board = new LaneBoard();
  const reconcile = createReconcile(ports);
  let ends: LogEnds | undefined;
  let open: readonly number[] = [];
  const owned = () => (ports.isReady() ? tenures.filter(({ partition }) => open.includes(partition)) : []);
  const round = (part: string, everyMs: number, act: () => Promise<unknown>): Round => ({
    part,
    everyMs,
    act: async () => {
      await act();
      return false;
    },
  });
  return [
    round("catching up", ROUND_MS, async () => {
      ends ??= await readLogEnds(ports.connection, partitions);
      if (open.length < partitions.length) open = await caughtUp(ports.pool, ends);
    }),
    round("release", ROUND_MS, async () => (ports.isReady() ? releaseDue(ports, open) : undefined)),
    round("lanes", ROUND_MS, async () => {
      await board.look(ports.lanes, ports.knownWebhook, owned());
      await releaseLanes(ports, board.lanes);
    }),
    round("reconcile", RECONCILE_EVERY_MS, async () => {
      for (const { partition } of owned()) await reconcile(partition);
    }),
  ];
}
