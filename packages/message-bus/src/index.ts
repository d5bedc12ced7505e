/** The bus: the only home of the NATS client. */

export type { ConfigReplicaOptions } from "./config-replica.ts";
export { ConfigReplica } from "./config-replica.ts";
export type { ConfigKey, ConfigWrite } from "./config-writer.ts";
export { configKeyText, hasSentinel, removeConfigKey, writeConfigValue, writeSentinel } from "./config-writer.ts";
export type { BusOptions, ConnectionState } from "./connection.ts";
export { BusConnection } from "./connection.ts";
export type { ConsumerRelief } from "./durable-progress.ts";
export { keepStreams } from "./keep-streams.ts";
export type { LaneName, StreamName, WorkerName } from "./names.ts";
export { CONFIG_STREAM, STREAMS, subjectOf } from "./names.ts";
export type { Published, PublisherOptions, PublishRequest, RefusalCode } from "./publisher.ts";
export { Publisher } from "./publisher.ts";
export { queueEnds } from "./queue-ends.ts";
export type { ReaderOptions } from "./sequential-reader.ts";
export { SequentialReader } from "./sequential-reader.ts";
export type { StoredMessage, TakenMessage, WorkMessage } from "./stored-message.ts";
export type { StreamFill } from "./stream-room.ts";
export { firstBehind, firstUnacknowledged, purgeBefore, streamFill } from "./stream-room.ts";
export type { StreamPosition, StreamSettings } from "./streams.ts";
export {
  ensureConfigBucket,
  ensureStreams,
  forgetWorker,
  INGEST_AGE_MS_MAX,
  lastSequenceOf,
  messageAt,
  oldestStoredAtMs,
  STREAM_BYTES_MAX_DEFAULT,
  streamPosition,
  unfinishedIn,
  untakenIn,
  workedUpTo,
} from "./streams.ts";
export type { WorkSourceOptions } from "./work-source.ts";
export { WorkSource } from "./work-source.ts";
