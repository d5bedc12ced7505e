/** Builds ingest from its parts and starts it. */

import { randomFillSync } from "node:crypto";
import { IngestServiceService } from "@posthorn/contracts";
import {
  BusConnection,
  ensureStreams,
  keepStreams,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
  type StreamSettings,
} from "@posthorn/message-bus";
import {
  createHttpServer,
  type GrpcServer,
  retryForever,
  type Shell,
  startGrpcServer,
  unaryHandler,
} from "@posthorn/service-runtime";
import type { IngestConfig } from "./config.ts";
import type { Caller } from "./core/access.ts";
import { maxPayloadProblem, messageBytesMax } from "./core/message-size.ts";
import { createIngestEvents, type IngestEvents } from "./events.ts";
import { type AcceptEvent, createAcceptEvent } from "./handlers/accept-event.ts";
import { type Authorise, createAuthorise } from "./handlers/authorise.ts";
import { createCheckEvent } from "./handlers/check-event.ts";
import { createPublish } from "./handlers/grpc-publish.ts";
import { createPublishWireBatch } from "./handlers/grpc-publish-batch.ts";
import { createPublishStreams } from "./handlers/grpc-publish-stream.ts";
import { createPublishBatch } from "./handlers/http-publish-batch.ts";
import { createPublishEvent } from "./handlers/http-publish-event.ts";
import { addRoutes, EVENT_BODY_BYTES_MAX } from "./handlers/http-routes.ts";
import { callerReader } from "./io/callers.ts";
import { ConfigurationDirectory } from "./io/configuration-directory.ts";
import { DeduplicatedLog } from "./io/deduplicated-log.ts";
import { eventIdSource } from "./io/event-ids.ts";
import { EventLog } from "./io/event-log.ts";
import { EventSchemas } from "./io/event-schemas.ts";

export type Ingest = AsyncDisposable & {
  /** The port in use, also when any free one was asked for. */
  readonly grpcPort: number;
};

const STREAMS_RETRY_MS_MIN = 100;
const STREAMS_RETRY_MS_MAX = 2_000;

export async function startIngest(config: IngestConfig, shell: Shell): Promise<Ingest> {
  const { log, metrics } = shell;
  await using stack = new AsyncDisposableStack();
  const monotonicMs = () => performance.now();
  const events = createIngestEvents(log, metrics, monotonicMs);
  const connection = stack.use(await openBus(config, shell, events));
  const onStreamTrouble = (reason: string) => events.trouble("streams", reason);
  stack.use(keepStreams(connection, { settings: streamSettings(config), onTrouble: onStreamTrouble }));
  const publisher = stack.use(new Publisher(connection));
  const onTrouble = (reason: string) => events.trouble("configuration", reason);
  const health = shell.health.dependency("configuration");
  const directory = stack.use(new ConfigurationDirectory(connection, publisher, { onTrouble, health }));
  const eventLog = new EventLog(connection, publisher, {
    messageBytesMax: () => messageBytesMax(maxPayloadOf(connection)),
    onMessageStored: events.messageStored,
    onTrouble: (reason) => events.trouble("storing", reason),
  });
  events.watchUnstored(() => eventLog.unstoredEvents);
  const schemas = new EventSchemas((reason) => events.trouble("schemas", reason));
  const acceptEvent = createAcceptEvent({
    checkEvent: createCheckEvent({ directory, schemas }),
    log: stack.use(new DeduplicatedLog(connection, eventLog)),
    tracing: shell.tracing,
    events,
    newEventId: eventIdSource(randomFillSync),
    nowMs: Date.now,
    monotonicMs,
  });
  const authorise = createAuthorise(directory, events);
  const callerOf = callerReader(config.adminKey);
  const ports = { authorise, callerOf, acceptEvent, events };
  const grpc = await serveGrpc(config, shell, ports, stack);
  stack.use(await serveHttp(shell, ports));
  log.info({ grpc_port: grpc.port }, "accepting events");
  const owned = stack.move();
  return { grpcPort: grpc.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

type Ports = {
  readonly authorise: Authorise;
  readonly callerOf: (key: string) => Caller;
  readonly acceptEvent: AcceptEvent;
  readonly events: IngestEvents;
};

/** A connection to a server that takes every event and has the streams. */
async function openBus(config: IngestConfig, shell: Shell, events: IngestEvents): Promise<BusConnection> {
  const health = shell.health.dependency("nats");
  await using stack = new AsyncDisposableStack();
  const connection = stack.use(
    await BusConnection.open({
      servers: config.natsUrls.join(","),
      name: "ingest",
      health,
      stopping: shell.stopping,
    }),
  );
  const problem = maxPayloadProblem(maxPayloadOf(connection));
  if (problem !== undefined) throw new Error(problem);
  await retryForever(() => ensureStreams(connection, streamSettings(config)), {
    signal: shell.stopping,
    firstDelayMs: STREAMS_RETRY_MS_MIN,
    maxDelayMs: STREAMS_RETRY_MS_MAX,
    onRetry: ({ error }) => events.trouble("streams", error instanceof Error ? error.message : String(error)),
  });
  stack.move();
  return connection;
}

function streamSettings({ natsReplicas }: IngestConfig): StreamSettings {
  return { replicas: natsReplicas, bytesMax: STREAM_BYTES_MAX_DEFAULT };
}

function maxPayloadOf(connection: BusConnection): number {
  return connection.nats.info?.max_payload ?? 0;
}

async function serveGrpc(
  config: IngestConfig,
  { log, health }: Shell,
  ports: Ports,
  stack: AsyncDisposableStack,
): Promise<GrpcServer> {
  const publish = createPublish(ports);
  const publishBatch = createPublishWireBatch(ports);
  const streams = createPublishStreams(ports);
  const server = stack.use(
    await startGrpcServer({
      host: config.host,
      port: config.grpcPort,
      services: [
        {
          definition: IngestServiceService,
          implementation: {
            publish: unaryHandler(log, (request, call) => publish(request, call.metadata)),
            publishBatch: unaryHandler(log, (request, call) => publishBatch(request, call.metadata)),
            publishStream: streams.handle,
          },
        },
      ],
      health,
      log,
    }),
  );
  // Disposed before the server, which would otherwise wait for streams that never end by themselves.
  stack.use(streams);
  return server;
}

async function serveHttp(shell: Shell, { authorise, callerOf, acceptEvent, events }: Ports): Promise<AsyncDisposable> {
  const app = await createHttpServer({ log: shell.log, bodyBytesMax: EVENT_BODY_BYTES_MAX, bodies: "bytes" });
  addRoutes(app, {
    authorise,
    callerOf,
    publishEvent: createPublishEvent(acceptEvent, events),
    publishBatch: createPublishBatch(acceptEvent, events),
  });
  return shell.http.serve(app);
}
