/** Builds the matcher from its parts and starts it. */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { EventFilters } from "@posthorn/content-filter";
import { limits } from "@posthorn/domain";
import {
  BusConnection,
  ensureStreams,
  keepStreams,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
  unfinishedIn,
  WorkSource,
  type WorkSourceOptions,
} from "@posthorn/message-bus";
import { type DependencyHandle, retryForever, type Shell } from "@posthorn/service-runtime";
import type { MatcherConfig } from "./config.ts";
import type { BundleBounds } from "./core/bundle-items.ts";
import { PartitionLoad } from "./core/partition-load.ts";
import type { StepBounds } from "./core/plan-batch.ts";
import { SubscriptionDirectory } from "./core/subscription-directory.ts";
import { createMatcherEvents } from "./events.ts";
import { Lanes } from "./handlers/choose-lanes.ts";
import { Matching } from "./handlers/matching.ts";
import { IngestEpoch } from "./io/ingest-epoch.ts";
import { leasedPublisher } from "./io/leased-publisher.ts";
import { LEASE_MS, Leases } from "./io/leases.ts";
import { followSubscriptions } from "./io/subscriptions.ts";

/** Messages waiting here per partition, on top of what is under way. */
const PREFETCH_MAX = 64;
/** Share of the server's largest message that one of ours may fill. */
const MESSAGE_SHARE = 0.75;
/** What a work item holds besides its payload, at most. */
const ITEM_FRAME_BYTES_MAX = 2_048;
/** Deliveries of one step: one message of the log, then as many work items. */
const ENTRIES_PER_STEP_MAX = 512;
/** Broker and signer pay for messages more than for items; in larger ones dispatchers would share the work worse. */
const ITEMS_PER_BUNDLE_MAX = 64;
const BUNDLE_BYTES_MAX = 256 * 1024;
const ITEM_BYTES_PER_STEP_MAX = 4 * 1024 * 1024;
/** A hostile filter takes 30 ms of a large payload; messages are leased for 10 s and have to be renewed meanwhile. */
const EVALUATIONS_PER_PAUSE_MAX = 16;
const READINESS_CHECK_MS = 250;
const RETRY_MS = { firstDelayMs: 200, maxDelayMs: 5_000 };

export async function startMatcher(config: MatcherConfig, shell: Shell): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const events = createMatcherEvents(shell.log, shell.metrics);
  const health = shell.health.dependency("nats");
  const connection = stack.use(
    await BusConnection.open({ servers: config.natsUrls.join(","), name: "matcher", health, stopping: shell.stopping }),
  );
  const streams = { replicas: config.natsReplicas, bytesMax: STREAM_BYTES_MAX_DEFAULT };
  await retryForever(() => ensureStreams(connection, streams), {
    ...RETRY_MS,
    signal: shell.stopping,
    onRetry: ({ error }) => events.trouble("stream", String(error)),
  });
  const onStreamTrouble = (reason: string) => events.trouble("stream", reason);
  stack.use(keepStreams(connection, { settings: streams, onTrouble: onStreamTrouble }));
  const publisher = stack.use(new Publisher(connection));
  const directory = new SubscriptionDirectory();
  const configuration = stack.use(followSubscriptions(connection, publisher, directory, events));
  stack.use(reportReadiness(configuration, shell.health.dependency("configuration")));
  shell.metrics.gauge("matcher_webhooks", "Webhooks known here", { collect: (gauge) => gauge.set(directory.size) });
  const ingest = stack.use(new IngestEpoch(connection, (reason) => events.trouble("stream", reason)));
  const source = await openSource(connection, {
    onRelieved: events.consumerRelieved,
    onTrouble: (reason) => {
      ingest.forget();
      events.trouble("stream", reason);
    },
  });
  const messageBytesMax = Math.floor((connection.nats.info?.max_payload ?? 0) * MESSAGE_SHARE);
  stack.use(
    new Matching({
      source,
      configuration,
      directory,
      ingest,
      events,
      filters: new EventFilters(),
      leases: stack.use(new Leases(() => connection.isConnected)),
      load: new PartitionLoad(),
      lanes: new Lanes({
        readUnfinished: (partition) => unfinishedIn(connection, "dispatcher", "DELIVER", partition),
        onTrouble: (reason) => events.trouble("stream", reason),
        monotonicMs: () => performance.now(),
      }),
      publisher: leasedPublisher(publisher, { onRefused: events.refused, wait: sleep }),
      tracing: shell.tracing,
      bounds: boundsOf(messageBytesMax),
      inlineBytesMax: Math.min(limits.INLINE_PAYLOAD_BYTES_MAX, messageBytesMax - ITEM_FRAME_BYTES_MAX),
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      newMessageId: randomUUID,
    }),
  );
  return stack.move();
}

function openSource(
  connection: BusConnection,
  tell: Pick<WorkSourceOptions, "onTrouble" | "onRelieved">,
): Promise<WorkSource> {
  return WorkSource.open(connection, {
    stream: "INGEST",
    worker: "matcher",
    prefetchMax: PREFETCH_MAX,
    leaseMs: LEASE_MS,
    ...tell,
  });
}

function boundsOf(messageBytesMax: number): StepBounds & BundleBounds {
  return {
    entriesMax: ENTRIES_PER_STEP_MAX,
    logBytesMax: messageBytesMax,
    itemBytesMax: ITEM_BYTES_PER_STEP_MAX,
    evaluationsMax: EVALUATIONS_PER_PAUSE_MAX,
    itemsMax: ITEMS_PER_BUNDLE_MAX,
    payloadBytesMax: Math.min(BUNDLE_BYTES_MAX, messageBytesMax - ITEMS_PER_BUNDLE_MAX * ITEM_FRAME_BYTES_MAX),
  };
}

/** Without a complete copy of the configuration nothing is taken, and whoever asks is told so. */
function reportReadiness(configuration: { readonly isComplete: boolean }, health: DependencyHandle): Disposable {
  const timer = setInterval(() => {
    if (configuration.isComplete) health.up();
    else health.down("the copy of the configuration is not complete yet");
  }, READINESS_CHECK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
