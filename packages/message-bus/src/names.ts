/** Names on the bus: streams, subjects and durable consumers. Tens of durables, never one per webhook. */

export const STREAMS = ["INGEST", "DELIVER", "RETRY", "LOG"] as const;
export type StreamName = (typeof STREAMS)[number];

const SUBJECT_ROOT: Readonly<Record<StreamName, string>> = {
  INGEST: "ingest",
  DELIVER: "deliver",
  RETRY: "retry",
  LOG: "log",
};

/**
 * A partition's lanes are taken from in turn, like the partitions. What floods one is put into the other, so that it
 * holds up nobody else; nothing says that the two keep an order between them.
 */
export const LANES = ["main", "backlog"] as const;
export type LaneName = (typeof LANES)[number];

const MAIN_ONLY: readonly LaneName[] = ["main"];

export function lanesOf(stream: StreamName): readonly LaneName[] {
  return stream === "DELIVER" ? LANES : MAIN_ONLY;
}

export function subjectOf(stream: StreamName, partition: number, lane: LaneName = "main"): string {
  return `${SUBJECT_ROOT[stream]}.${partition}${lane === "main" ? "" : `.${lane}`}`;
}

export function allSubjectsOf(stream: StreamName): string[] {
  return lanesOf(stream).map((lane) => `${SUBJECT_ROOT[stream]}.*${lane === "main" ? "" : `.${lane}`}`);
}

/** Who takes from a stream as one of several: replicas of a service share these durables. */
export type WorkerName = "matcher" | "dispatcher" | "scheduler";

export function durableOf(worker: WorkerName, stream: StreamName, partition: number, lane: LaneName = "main"): string {
  return `${worker}-${SUBJECT_ROOT[stream]}-${partition}${lane === "main" ? "" : `-${lane}`}`;
}

/** The KV bucket `config` is this stream; a key is a subject under the prefix. */
export const CONFIG_STREAM = "KV_config";
export const CONFIG_SUBJECT_PREFIX = "$KV.config.";
