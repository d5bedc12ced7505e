/** Names on the bus: streams, subjects and durable consumers. Tens of durables, never one per webhook. */

export const STREAMS = ["INGEST", "DELIVER", "RETRY", "LOG"] as const;
export type StreamName = (typeof STREAMS)[number];

const SUBJECT_ROOT: Readonly<Record<StreamName, string>> = {
  INGEST: "ingest",
  DELIVER: "deliver",
  RETRY: "retry",
  LOG: "log",
};

export function subjectOf(stream: StreamName, partition: number): string {
  return `${SUBJECT_ROOT[stream]}.${partition}`;
}

export function allSubjectsOf(stream: StreamName): string {
  return `${SUBJECT_ROOT[stream]}.*`;
}

/** Who takes from a stream as one of several: replicas of a service share these durables. */
export type WorkerName = "matcher" | "dispatcher" | "scheduler";

export function durableOf(worker: WorkerName, stream: StreamName, partition: number): string {
  return `${worker}-${SUBJECT_ROOT[stream]}-${partition}`;
}

/** The KV bucket `config` is this stream; a key is a subject under the prefix. */
export const CONFIG_STREAM = "KV_config";
export const CONFIG_SUBJECT_PREFIX = "$KV.config.";
