/** The bus: the only home of the NATS client. */

export type { ConfigReplicaOptions } from "./config-replica.ts";
export { ConfigReplica } from "./config-replica.ts";
export type { ConfigKey, ConfigWrite } from "./config-writer.ts";
export { hasSentinel, removeConfigKey, writeConfigValue, writeSentinel } from "./config-writer.ts";
export type { BusOptions, ConnectionState } from "./connection.ts";
export { BusConnection } from "./connection.ts";
export type { StreamName, WorkerName } from "./names.ts";
export { CONFIG_STREAM, STREAMS, subjectOf } from "./names.ts";
export type { Published, PublisherOptions, PublishRequest, RefusalCode } from "./publisher.ts";
export { Publisher } from "./publisher.ts";
export type { ReaderOptions } from "./sequential-reader.ts";
export { SequentialReader } from "./sequential-reader.ts";
export type { StoredMessage, TakenMessage, WorkMessage } from "./stored-message.ts";
export type { StreamPosition, StreamSettings } from "./streams.ts";
export {
  ensureConfigBucket,
  ensureStreams,
  INGEST_AGE_MS_MAX,
  lastSequenceOf,
  messageAt,
  oldestStoredAtMs,
  STREAM_BYTES_MAX_DEFAULT,
  streamPosition,
  workedUpTo,
} from "./streams.ts";
export type { WorkSourceOptions } from "./work-source.ts";
export { WorkSource } from "./work-source.ts";
