/**
 * Takes batch after batch, matches each, and publishes what follows. Taking and matching go on while earlier parts are
 * being published, up to the bounds of each partition.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { WorkSource } from "@posthorn/message-bus";
import { INTERVAL_MS_MIN, intervalMsAfter } from "../core/batch-interval.ts";
import type { MatcherEvents } from "../events.ts";
import { type MatchedPart, type MatchPorts, matchBatch } from "./match-batch.ts";
import { type PublishPorts, publishPart } from "./publish-part.ts";
import { type Part, type TakePorts, takeBatch } from "./take-batch.ts";

export type MatchingPorts = TakePorts &
  MatchPorts &
  PublishPorts & {
    readonly source: Pick<WorkSource, "take" | "available" | "reconsider"> & Disposable;
    readonly configuration: MatchPorts["configuration"] & { readonly isComplete: boolean };
    readonly ingest: { readonly epochMs: number | undefined };
    readonly events: MatcherEvents;
  };

/** Until the configuration is complete and the stream is known nothing is taken; it is looked again after this long. */
const NOT_READY_WAIT_MS = 50;
/** At a stop, what is under way gets this long; the rest comes again when its lease runs out. */
const DRAIN_MS_MAX = 5_000;

export class Matching implements AsyncDisposable {
  readonly #ports: MatchingPorts;
  readonly #underWay = new Set<Promise<void>>();
  readonly #hasRoom: (partition: number) => boolean;
  readonly #loop: Promise<void>;
  #lastBeganAtMs = Number.NEGATIVE_INFINITY;
  #intervalMs = INTERVAL_MS_MIN;
  #isStopping = false;

  constructor(ports: MatchingPorts) {
    this.#ports = ports;
    this.#hasRoom = (partition) => ports.load.hasRoom(partition);
    this.#loop = this.#run();
  }

  /** Takes nothing more, hands back what has not begun, and waits for what has. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { source } = this.#ports;
    this.#isStopping = true;
    source[Symbol.dispose]();
    for (const message of source.take(Number.POSITIVE_INFINITY)) message.giveBack(0);
    const done = this.#loop.then(() => Promise.all(this.#underWay));
    await Promise.race([done, sleep(DRAIN_MS_MAX, undefined, { ref: false })]);
  }

  async #run(): Promise<void> {
    const { source, configuration, ingest } = this.#ports;
    for (;;) {
      await source.available(this.#hasRoom);
      if (this.#isStopping) return;
      if (configuration.isComplete && ingest.epochMs !== undefined) await this.#matchWhatIsThere(ingest.epochMs);
      else await sleep(NOT_READY_WAIT_MS);
    }
  }

  async #matchWhatIsThere(epochMs: number): Promise<void> {
    const { monotonicMs } = this.#ports;
    const waitMs = this.#lastBeganAtMs + this.#intervalMs - monotonicMs();
    if (waitMs > 0) await sleep(waitMs);
    if (this.#isStopping) return;
    this.#lastBeganAtMs = monotonicMs();
    const parts = takeBatch(this.#ports, epochMs);
    this.#intervalMs = intervalMsAfter(parts.reduce((sum, { events }) => sum + events.length, 0));
    if (parts.length === 0) return;
    for (const { partition, load } of parts) this.#ports.load.begin(partition, load);
    for (const matched of await matchBatch(this.#ports, parts)) this.#publish(matched);
  }

  #publish(matched: MatchedPart): void {
    const { part } = matched;
    const done = publishPart(this.#ports, matched)
      .catch((error: unknown) => this.#ports.events.failed(part.partition, error))
      .finally(() => {
        this.#underWay.delete(done);
        this.#end(part);
      });
    this.#underWay.add(done);
  }

  #end({ partition, load, messages }: Part): void {
    const { leases, load: loads, source } = this.#ports;
    leases.release(messages);
    loads.end(partition, load);
    source.reconsider();
  }
}
