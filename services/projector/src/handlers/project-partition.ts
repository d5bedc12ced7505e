/**
 * Projects one partition for as long as this process owns it. Whatever goes wrong, it starts over from the checkpoint
 * in the database: nothing that this process remembers is trusted after a failure or a reconnect.
 */

import { setTimeout as sleepFor } from "node:timers/promises";
import type { Pool } from "@posthorn/database";
import { type BusConnection, streamPosition } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import type { BatchLimits } from "../core/batch-size.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { PACE_MS_MIN, paceMsAfter } from "../core/pace.ts";
import { WrittenRows } from "../core/written-rows.ts";
import type { ProjectorEvents } from "../events.ts";
import type { CheckpointWatch } from "../io/checkpoint-watch.ts";
import { LogInbox, type ReceivedMessage } from "../io/log-inbox.ts";
import { isolatePoison } from "./isolate-poison.ts";
import { projectBatch } from "./project-batch.ts";
import { resumePartition } from "./resume-partition.ts";

export type PartitionProjectorOptions = {
  readonly pool: Pool;
  readonly connection: BusConnection;
  readonly watch: CheckpointWatch;
  readonly events: ProjectorEvents;
};

/**
 * One transaction: room for what comes in the longest pace at a high rate. Smaller ones would put most outcomes into a
 * later one than their creations, larger ones hold up the readers of the partition's history longer.
 */
const BATCH_LIMITS: BatchLimits = { messagesMax: 160, bytesMax: 6 * 1024 * 1024 };
/**
 * Rows that are not read back: those of a second at a high rate, and no more memory than a few megabytes per partition.
 */
const WRITTEN_ROWS_MAX = 5_000;
/** Between two tries to go on after a failure. */
const RETRY_WAIT_MS = 250;

export class PartitionProjector implements AsyncDisposable {
  readonly #options: PartitionProjectorOptions;
  readonly #partition: number;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #written = new WrittenRows(WRITTEN_ROWS_MAX);
  #inbox: LogInbox | undefined;
  #checkpoint: Checkpoint | undefined;
  #oldestWaitingAtMs: number | undefined;
  #paceMs = PACE_MS_MIN;

  constructor(partition: number, options: PartitionProjectorOptions) {
    this.#partition = partition;
    this.#options = options;
    this.#running = this.#run();
  }

  /** Messages stored and not projected; undefined while nobody can tell. */
  get lagMessages(): number | undefined {
    return this.#inbox?.lag;
  }

  /** When the oldest message that is known and not projected was stored. */
  get oldestWaitingAtMs(): number | undefined {
    return this.#oldestWaitingAtMs;
  }

  /** Waits for the batch in hand. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#inbox?.[Symbol.dispose]();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { watch, events } = this.#options;
    while (!this.#stopping.signal.aborted) {
      watch.doubt(this.#partition);
      try {
        await this.#followLog();
      } catch (error) {
        events.failed(this.#partition, error);
      }
      await this.#wait(RETRY_WAIT_MS);
    }
    watch.forget(this.#partition);
  }

  /** Ends early when this projector is stopped. */
  async #wait(ms: number): Promise<void> {
    if (ms > 0) await sleepFor(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  /** Returns when the log has to be looked at anew. */
  async #followLog(): Promise<void> {
    const { pool, connection, watch, events } = this.#options;
    this.#checkpoint = await resumePartition(pool, connection, this.#partition, events);
    if (this.#checkpoint === undefined || this.#stopping.signal.aborted) return;
    watch.advance(this.#partition, this.#checkpoint);
    using inbox = new LogInbox(connection, this.#partition, this.#checkpoint.sequence + 1);
    this.#inbox = inbox;
    // What comes first proves that the reader stands on a stream: on the one that was judged, or on one made since.
    let isJudged = false;
    for (;;) {
      const taken = await inbox.take(BATCH_LIMITS);
      if (this.#stopping.signal.aborted) return;
      if (taken.kind === "ended") return events.interrupted(this.#partition, taken.reason);
      isJudged ||= (await streamPosition(connection, "LOG")).epochMs === this.#checkpoint.streamEpochMs;
      if (!isJudged) return events.interrupted(this.#partition, "the stream was made anew");
      this.#oldestWaitingAtMs = taken.messages[0]?.storedAtMs;
      const startedAtMs = performance.now();
      const isStillOurs = await isolatePoison(taken.messages, (messages) => this.#project(messages));
      if (!isStillOurs) return events.overtaken(this.#partition);
      this.#oldestWaitingAtMs = undefined;
      // What comes alone is projected at once, and so is what fills a batch or is waited for.
      const paceMs = startedAtMs + this.#paceMs - performance.now();
      await Promise.race([inbox.filled(BATCH_LIMITS), watch.awaited(this.#partition), this.#wait(paceMs)]);
    }
  }

  async #project(messages: readonly ReceivedMessage[]): Promise<boolean> {
    const { pool, watch, events } = this.#options;
    if (this.#checkpoint === undefined) return false;
    const startedAtMs = performance.now();
    const result = await projectBatch(pool, this.#partition, this.#checkpoint, messages, this.#written);
    if (result.kind === "overtaken") return false;
    crashPoint("projector.committed");
    this.#checkpoint = result.checkpoint;
    this.#paceMs = paceMsAfter(result.changes.deliveries);
    watch.advance(this.#partition, result.checkpoint);
    events.projected({
      partition: this.#partition,
      messages,
      repeats: result.changes.repeats,
      durationMs: performance.now() - startedAtMs,
    });
    return true;
  }
}
