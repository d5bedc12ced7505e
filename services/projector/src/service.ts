/** Builds the projector from its parts and starts it. */

import { type OutcomesRequest, type OutcomesResponse, ProjectionServiceService } from "@posthorn/contracts";
import { PartitionOwner, type Pool } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import { BusConnection, ensureStreams, keepStreams, STREAM_BYTES_MAX_DEFAULT } from "@posthorn/message-bus";
import {
  type DependencyHandle,
  type GrpcServer,
  type Metrics,
  retryForever,
  type Shell,
  startGrpcServer,
  unaryHandler,
} from "@posthorn/service-runtime";
import type { ProjectorConfig } from "./config.ts";
import { createProjectorEvents, type ProjectorEvents } from "./events.ts";
import { type AnswerOutcomesOptions, answerOutcomes } from "./handlers/answer-outcomes.ts";
import { prepareArchive } from "./handlers/prepare-archive.ts";
import { PartitionProjector } from "./handlers/project-partition.ts";
import { CheckpointWatch } from "./io/checkpoint-watch.ts";
import { progressReader } from "./io/delivery-progress.ts";
import { openToProject } from "./io/open-pools.ts";
import { LOCK_CLASS } from "./io/partition-locks.ts";

export type Projector = AsyncDisposable & {
  /** The port in use, also when any free one was asked for. */
  readonly grpcPort: number;
};

const RETRY_MS = { firstDelayMs: 200, maxDelayMs: 5_000 };

export async function startProjector(config: ProjectorConfig, shell: Shell): Promise<Projector> {
  await using stack = new AsyncDisposableStack();
  const { log, metrics, health } = shell;
  const events = createProjectorEvents(log, metrics);
  const { pool } = stack.use(openToProject(config.databaseUrl));
  const connection = stack.use(
    await BusConnection.open({
      servers: config.natsUrls.join(","),
      name: "projector",
      health: health.dependency("nats"),
    }),
  );
  const streams = { replicas: config.natsReplicas, bytesMax: STREAM_BYTES_MAX_DEFAULT };
  await retryForever(() => ensureStreams(connection, streams), {
    ...RETRY_MS,
    signal: shell.stopping,
    onRetry: ({ error }) => log.warn({ error: String(error) }, "the streams could not be made sure of"),
  });
  const onStreamTrouble = (reason: string) => log.error({ reason }, "trouble with the streams");
  stack.use(keepStreams(connection, { settings: streams, onTrouble: onStreamTrouble }));
  stack.use(await prepareArchive(pool, events));
  const watch = new CheckpointWatch(pool);
  const owner = stack.use(
    ownPartitions(
      pool,
      health.dependency("postgres"),
      events,
      (partition) => new PartitionProjector(partition, { pool, connection, watch, events }),
    ),
  );
  showLag(metrics, owner);
  const server = stack.use(await serveOutcomes(config, shell, { watch, readProgress: progressReader(pool), events }));
  const owned = stack.move();
  return { grpcPort: server.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The locks only save wasted work; the compare-and-set of the checkpoint keeps two from writing the same partition. */
function ownPartitions(
  pool: Pool,
  postgres: DependencyHandle,
  events: ProjectorEvents,
  start: (partition: number) => PartitionProjector,
): PartitionOwner<PartitionProjector> {
  return new PartitionOwner({
    pool,
    lockClass: LOCK_CLASS,
    partitions: ALL_PARTITIONS,
    start,
    onGained: events.gained,
    onAnswer: () => postgres.up(),
    onLost: (error) => {
      postgres.down("Postgres does not answer");
      events.sessionLost(error);
    },
  });
}

function serveOutcomes(config: ProjectorConfig, shell: Shell, options: AnswerOutcomesOptions): Promise<GrpcServer> {
  const outcomes = unaryHandler<OutcomesRequest, OutcomesResponse>(shell.log, (request, call) =>
    answerOutcomes(request, remainingMs(call.getDeadline()), options),
  );
  return startGrpcServer({
    host: config.host,
    port: config.grpcPort,
    services: [{ definition: ProjectionServiceService, implementation: { outcomes } }],
    health: shell.health,
    log: shell.log,
  });
}

function remainingMs(deadline: Date | number): number {
  return Number(deadline) - Date.now();
}

function showLag(metrics: Metrics, owner: PartitionOwner<PartitionProjector>): void {
  metrics.gauge("projection_lag_messages", "Log messages stored and not projected, of the partitions owned here", {
    labelNames: ["partition"],
    collect: (gauge) => {
      gauge.reset();
      for (const [partition, { lagMessages }] of owner.owned) {
        if (lagMessages !== undefined) gauge.set({ partition: String(partition) }, lagMessages);
      }
    },
  });
  metrics.gauge("projection_lag_seconds", "Age of the oldest log message in hand, of the partitions owned here", {
    labelNames: ["partition"],
    collect: (gauge) => {
      gauge.reset();
      for (const [partition, { oldestWaitingAtMs }] of owner.owned) {
        const lagMs = oldestWaitingAtMs === undefined ? 0 : Date.now() - oldestWaitingAtMs;
        gauge.set({ partition: String(partition) }, lagMs / 1_000);
      }
    },
  });
}
