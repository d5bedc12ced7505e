/**
 * The streams: made idempotently, then read back and compared, because older servers silently ignore fields that
 * they do not know. Looks at positions and single messages live here too.
 */

import { setTimeout } from "node:timers/promises";
import {
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { ALL_PARTITIONS } from "@posthorn/domain";
import { orNothing } from "./api-answers.ts";
import type { BusConnection } from "./connection.ts";
import { claimCreation, giveUpCreation } from "./creation-claim.ts";
import {
  allSubjectsOf,
  CONFIG_STREAM,
  CONFIG_SUBJECT_PREFIX,
  durableOf,
  type LaneName,
  lanesOf,
  type StreamName,
  subjectOf,
  type WorkerName,
} from "./names.ts";
import type { StoredMessage } from "./stored-message.ts";

export type StreamSettings = {
  /** 1 for one machine, 3 in production. */
  readonly replicas: number;
  /** Bytes that each stream may hold before it refuses new messages. */
  readonly bytesMax: Readonly<Record<StreamName, number>>;
};

const GIB = 1024 ** 3;

/** Defaults that fit a developer's disk; production sets its own. */
export const STREAM_BYTES_MAX_DEFAULT: Readonly<Record<StreamName, number>> = {
  INGEST: 8 * GIB,
  DELIVER: 8 * GIB,
  RETRY: 4 * GIB,
  LOG: 16 * GIB,
};
const CONFIG_BYTES_MAX = GIB;
/** Payloads are kept this long at most. */
export const INGEST_AGE_MS_MAX = 7 * 24 * 3_600_000;
const LOG_AGE_MS_MAX = 14 * 24 * 3_600_000;
/** A caller's id makes a repeat harmless for this long. */
const INGEST_DEDUPE_MS = 10 * 60_000;
const DEDUPE_MS = 2 * 60_000;
const NANOS_PER_MS = 1_000_000;
/** The clock of a server may be this much behind ours. */
const SERVER_CLOCK_MS = 60_000;
/** Between two looks at a stream that another process is making. */
const CREATION_POLL_MS = 200;

export async function ensureStreams(connection: BusConnection, settings: StreamSettings): Promise<void> {
  for (const wanted of wantedStreams(settings)) await ensureStream(connection, wanted);
}

/** Leaves those that are there as they are. @returns the names of those that were gone. */
export async function makeMissingStreams(
  connection: BusConnection,
  settings: StreamSettings,
): Promise<readonly string[]> {
  const made: string[] = [];
  for (const wanted of wantedStreams(settings)) {
    if ((await orNothing(connection.manager.streams.info(wanted.name))) !== undefined) continue;
    const lookedAtMs = Date.now();
    await makeStream(connection, wanted);
    if (await isMadeSince(connection, wanted.name, lookedAtMs)) made.push(wanted.name);
  }
  return made;
}

/** A server of 2.9 that starts its copy of a stream anew says meanwhile that there is none. */
async function isMadeSince(connection: BusConnection, name: string, atMs: number): Promise<boolean> {
  const position = await streamPosition(connection, name).catch(() => undefined);
  return position === undefined || position.epochMs > atMs - SERVER_CLOCK_MS;
}

function wantedStreams(settings: StreamSettings): readonly StreamInput[] {
  const limits = (name: StreamName, ageMs: number, dedupeMs: number) =>
    streamConfig(name, settings, { retention: RetentionPolicy.Limits, max_age: ageMs * NANOS_PER_MS }, dedupeMs);
  const workQueue = (name: StreamName) =>
    streamConfig(name, settings, { retention: RetentionPolicy.Workqueue, max_age: 0 }, DEDUPE_MS);
  return [
    limits("INGEST", INGEST_AGE_MS_MAX, INGEST_DEDUPE_MS),
    workQueue("DELIVER"),
    workQueue("RETRY"),
    limits("LOG", LOG_AGE_MS_MAX, DEDUPE_MS),
  ];
}

/** The bucket of the configuration: the last value of every key. Only `api` makes it. */
export async function ensureConfigBucket(connection: BusConnection, replicas: number): Promise<void> {
  await ensureStream(connection, {
    name: CONFIG_STREAM,
    subjects: [`${CONFIG_SUBJECT_PREFIX}>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    max_bytes: CONFIG_BYTES_MAX,
    num_replicas: replicas,
    duplicate_window: DEDUPE_MS * NANOS_PER_MS,
    allow_direct: true,
    deny_delete: true,
    allow_rollup_hdrs: true,
  });
}

export type StreamPosition = {
  /** The stream's creation time. Recreated streams reuse sequences; the epoch tells them apart. */
  readonly epochMs: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
};

export async function streamPosition(connection: BusConnection, stream: string): Promise<StreamPosition> {
  return positionOf(await connection.manager.streams.info(stream));
}

/** The sequence of a partition's last message, asked from the leader; 0 when there is none. */
export async function lastSequenceOf(
  connection: BusConnection,
  stream: StreamName,
  partition: number,
): Promise<number> {
  const found = await orNothing(
    connection.manager.streams.getMessage(stream, { last_by_subj: subjectOf(stream, partition) }),
  );
  return found?.seq ?? 0;
}

/** When the oldest message of a partition, over its lanes, that is still stored came in; undefined: none is. */
export async function oldestStoredAtMs(
  connection: BusConnection,
  stream: StreamName,
  partition: number,
): Promise<number | undefined> {
  const oldest = await Promise.all(
    lanesOf(stream).map((lane) => {
      const query = { seq: 1, next_by_subj: subjectOf(stream, partition, lane) };
      return orNothing(connection.manager.direct.getMessage(stream, query));
    }),
  );
  const times = oldest.flatMap((found) => (found === undefined ? [] : [found.time.getTime()]));
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Messages of a partition that have not been acknowledged, by lane; none where no worker has ever been. */
export async function unfinishedIn(
  connection: BusConnection,
  worker: WorkerName,
  stream: StreamName,
  partition: number,
): Promise<Readonly<Record<LaneName, number>>> {
  const unfinished = { main: 0, backlog: 0 };
  const read = async (lane: LaneName) => {
    const consumer = durableOf(worker, stream, partition, lane);
    const info = await orNothing(connection.manager.consumers.info(stream, consumer));
    unfinished[lane] = (info?.num_pending ?? 0) + (info?.num_ack_pending ?? 0);
  };
  await Promise.all(lanesOf(stream).map(read));
  return unfinished;
}

/** Messages of a partition's main lane that no worker has been handed yet; none where none has ever been. */
export async function untakenIn(
  connection: BusConnection,
  worker: WorkerName,
  stream: StreamName,
  partition: number,
): Promise<number> {
  const consumer = durableOf(worker, stream, partition);
  return (await orNothing(connection.manager.consumers.info(stream, consumer)))?.num_pending ?? 0;
}

/** Removes a worker's durables: nobody is to take up where it was. */
export async function forgetWorker(connection: BusConnection, worker: WorkerName, stream: StreamName): Promise<void> {
  const { consumers } = connection.manager;
  const names = ALL_PARTITIONS.flatMap((partition) =>
    lanesOf(stream).map((lane) => durableOf(worker, stream, partition, lane)),
  );
  await Promise.all(names.map((name) => orNothing(consumers.delete(stream, name))));
}

/** The sequence up to which a worker has acknowledged everything of a partition. */
export async function workedUpTo(
  connection: BusConnection,
  worker: WorkerName,
  stream: StreamName,
  partition: number,
): Promise<number> {
  const consumer = durableOf(worker, stream, partition);
  const info = await orNothing(connection.manager.consumers.info(stream, consumer));
  if (info === undefined) return 0;
  const isIdle = info.num_pending === 0 && info.num_ack_pending === 0;
  return isIdle ? Math.max(info.ack_floor.stream_seq, info.delivered.stream_seq) : info.ack_floor.stream_seq;
}

/** The message at a sequence, asked from the nearest copy and then, because copies may lag, from the leader. */
export async function messageAt(
  connection: BusConnection,
  stream: StreamName,
  sequence: number,
): Promise<StoredMessage | undefined> {
  const near = await orNothing(connection.manager.direct.getMessage(stream, { seq: sequence }));
  const found = near ?? (await orNothing(connection.manager.streams.getMessage(stream, { seq: sequence })));
  if (found === undefined) return undefined;
  return { subject: found.subject, data: found.data, sequence: found.seq, storedAtMs: found.time.getTime() };
}

function streamConfig(
  name: StreamName,
  settings: StreamSettings,
  kind: Pick<StreamConfig, "retention" | "max_age">,
  dedupeMs: number,
): StreamInput {
  return {
    ...kind,
    name,
    subjects: allSubjectsOf(name),
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_bytes: settings.bytesMax[name],
    num_replicas: settings.replicas,
    duplicate_window: dedupeMs * NANOS_PER_MS,
    allow_direct: true,
  };
}

type StreamInput = Partial<StreamConfig> & { readonly name: string };

/** Makes a missing stream and updates one that differs, but never lowers its replicas: that is an operator's decision. */
async function ensureStream(connection: BusConnection, wanted: StreamInput): Promise<void> {
  const { streams } = connection.manager;
  const existing = await orNothing(streams.info(wanted.name));
  if (existing === undefined) return makeStream(connection, wanted);
  const held = existing.config.num_replicas;
  if (held > (wanted.num_replicas ?? 1)) {
    throw new Error(
      `the stream ${wanted.name} has ${held} replicas and this process is set to ${wanted.num_replicas}; ` +
        "set POSTHORN_NATS_REPLICAS alike everywhere, or lower the stream's replicas by hand",
    );
  }
  const agreed = { ...wanted, subjects: withHeld(existing.config.subjects, wanted.subjects ?? []) };
  if (differences(existing.config, agreed).length === 0) return;
  refuseDifferences((await streams.update(wanted.name, agreed)).config, agreed);
}

/** A version that knows fewer subjects may run beside one that publishes to more: none is taken away. */
function withHeld(held: readonly string[], wanted: readonly string[]): string[] {
  return [...held, ...wanted.filter((subject) => !held.includes(subject))];
}

/** In a cluster it is made by whoever claims it; the others look again until it is there. */
async function makeStream(connection: BusConnection, wanted: StreamInput): Promise<void> {
  const { streams } = connection.manager;
  const replicas = wanted.num_replicas ?? 1;
  if (replicas === 1) return refuseDifferences((await streams.add(wanted)).config, wanted);
  if (!(await claimCreation(connection, { stream: wanted.name, replicas, nowMs: Date.now() }))) {
    await setTimeout(CREATION_POLL_MS);
    return ensureStream(connection, wanted);
  }
  try {
    refuseDifferences((await streams.add(wanted)).config, wanted);
  } catch (error) {
    if (error instanceof JetStreamApiError) await giveUpCreation(connection, wanted.name);
    throw error;
  }
}

/** Older servers take a configuration and silently leave out what they do not know. */
function refuseDifferences(config: StreamConfig, wanted: StreamInput): void {
  const found = differences(config, wanted);
  if (found.length > 0) throw new Error(`the server did not take the stream ${wanted.name}: ${found.join("; ")}`);
}

function differences(config: StreamConfig, wanted: StreamInput): string[] {
  const held = new Map<string, unknown>(Object.entries(config));
  return Object.entries(wanted)
    .map(([field, value]) => ({ field, is: JSON.stringify(held.get(field)), wants: JSON.stringify(value) }))
    .filter(({ is, wants }) => is !== wants)
    .map(({ field, is, wants }) => `${field} is ${is}, not ${wants}`);
}

function positionOf(info: StreamInfo): StreamPosition {
  return {
    epochMs: Date.parse(info.created),
    firstSequence: info.state.first_seq,
    lastSequence: info.state.last_seq,
  };
}
