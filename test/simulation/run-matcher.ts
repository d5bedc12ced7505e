/** A matcher: its handlers and core as they are, put together as its `service.ts` does. */

import { setTimeout as sleep } from "node:timers/promises";
import { EventFilters } from "@posthorn/content-filter";
import { limits } from "@posthorn/domain";
import { type BusConnection, Publisher, WorkSource } from "@posthorn/message-bus";
import { PartitionLoad } from "../../services/matcher/src/core/partition-load.ts";
import { SubscriptionDirectory } from "../../services/matcher/src/core/subscription-directory.ts";
import { createMatcherEvents } from "../../services/matcher/src/events.ts";
import { Matching } from "../../services/matcher/src/handlers/matching.ts";
import { IngestEpoch } from "../../services/matcher/src/io/ingest-epoch.ts";
import { leasedPublisher } from "../../services/matcher/src/io/leased-publisher.ts";
import { LEASE_MS, Leases } from "../../services/matcher/src/io/leases.ts";
import { followSubscriptions } from "../../services/matcher/src/io/subscriptions.ts";
import { NO_METRICS, NO_TRACING, SILENT_LOG } from "./silent-events.ts";
import { newUuid, type Process, startProcess, type World } from "./world.ts";

const LANES = ["main", "backlog"] as const;
/** Small, so that a short history has batches of several steps and bundles. */
const BOUNDS = {
  entriesMax: 4,
  logBytesMax: 100_000,
  itemBytesMax: 100_000,
  evaluationsMax: 16,
  itemsMax: 2,
  payloadBytesMax: 100_000,
};

export function runMatcher(world: World, name: string): Process {
  return startProcess(world, name, async ({ connection: bus }) => {
    const connection = bus.asConnection();
    const events = {
      ...createMatcherEvents(SILENT_LOG, NO_METRICS),
      failed: (_partition: number, error: unknown) => world.observed.bug(`${name} failed: ${String(error)}`),
    };
    const publisher = new Publisher(connection);
    const directory = new SubscriptionDirectory();
    const configuration = followSubscriptions(connection, publisher, directory, events);
    const ingest = new IngestEpoch(connection, () => {});
    const source = await openSource(connection, () => ingest.forget());
    new Matching({
      source,
      configuration: world.mutation.matcherConfiguration(configuration),
      directory,
      ingest,
      events,
      filters: new EventFilters(),
      leases: new Leases(() => bus.isConnected),
      load: new PartitionLoad(),
      publisher: leasedPublisher(publisher, { onRefused: () => {}, wait: sleep }),
      // Which lane a bundle goes to may change nothing but its order among others.
      lanes: { choose: (_partition, bundles) => bundles.map(() => world.random.pick(LANES)) },
      tracing: NO_TRACING,
      bounds: BOUNDS,
      inlineBytesMax: limits.INLINE_PAYLOAD_BYTES_MAX,
      nowMs: () => Date.now(),
      monotonicMs: () => performance.now(),
      newMessageId: () => newUuid(world.random),
    });
  });
}

function openSource(connection: BusConnection, onTrouble: () => void): Promise<WorkSource> {
  return WorkSource.open(connection, {
    stream: "INGEST",
    worker: "matcher",
    prefetchMax: 8,
    leaseMs: LEASE_MS,
    onTrouble,
  });
}
