/**
 * A copy of the configuration bucket, followed as it changes. It is complete only when the sentinel of this very
 * bucket has been seen: until then *absent* means wait, afterwards too, for only a tombstone means deleted.
 */

import { decodeConfigValue, decodeSentinel } from "@posthorn/contracts";
import type { ConfigValue } from "@posthorn/domain";
import type { BusConnection } from "./connection.ts";
import { CONFIG_STREAM, CONFIG_SUBJECT_PREFIX } from "./names.ts";
import type { Publisher } from "./publisher.ts";
import { SequentialReader } from "./sequential-reader.ts";
import type { StoredMessage } from "./stored-message.ts";
import { streamPosition } from "./streams.ts";

export const SENTINEL_KEY = "sentinel";
/** One key for the markers of all: what counts is the revision a marker got, not whose it is. */
const BARRIER_KEY = "barrier";

export type ConfigReplicaOptions = {
  /** Called in revision order, for every value; the same one may come again after a reconnect. */
  readonly onValue: (key: string, value: ConfigValue, revision: number) => void;
  /** The bucket was made anew, or lost its newest values: forget everything, it will come again. */
  readonly onReset: () => void;
  readonly onTrouble: (reason: string) => void;
};

const WINDOW_MAX = 2_000;
const EPOCH_CHECK_MS = 2_000;

type WaitOutcome = "reached" | "reset";
type Waiter = { revision: number; readonly resolve: (outcome: WaitOutcome) => void };

export class ConfigReplica implements Disposable {
  readonly #connection: BusConnection;
  readonly #publisher: Publisher;
  readonly #options: ConfigReplicaOptions;
  readonly #timer: NodeJS.Timeout;
  #reader: SequentialReader | undefined;
  #waiters: Waiter[] = [];
  #epochMs = 0;
  #sentinelEpochMs = 0;
  /** The bucket's last revision when this copy began: the copy is replayed once it has come this far. */
  #replayedAtRevision = 0;
  #appliedRevision = 0;
  #isCheckingEpoch = false;
  #isOpen = true;
  /** The barrier that callers of this moment will share: it has not been sent yet. */
  #nextBarrier: Promise<number> | undefined;
  #currentBarrier: Promise<unknown> = Promise.resolve();

  constructor(connection: BusConnection, publisher: Publisher, options: ConfigReplicaOptions) {
    this.#connection = connection;
    this.#publisher = publisher;
    this.#options = options;
    this.#timer = setInterval(() => void this.#checkEpoch(), EPOCH_CHECK_MS);
    void this.#checkEpoch();
  }

  /** Everything up to this revision of the bucket has been applied here. */
  get appliedRevision(): number {
    return this.#appliedRevision;
  }

  get isComplete(): boolean {
    const isReplayed = this.#appliedRevision >= this.#replayedAtRevision;
    return isReplayed && this.#epochMs !== 0 && this.#sentinelEpochMs === this.#epochMs;
  }

  /** Whether the copy is complete and holds everything up to `revision`. */
  hasReached(revision: number): boolean {
    return this.isComplete && this.#appliedRevision >= revision;
  }

  /**
   * Resolves when the copy is complete and holds everything up to `revision`; of a revision that this bucket has not
   * come to, because it is of one that was lost, everything that was there at the time of the call.
   */
  async reached(revision: number): Promise<void> {
    let outcome: WaitOutcome;
    do outcome = await this.#reachedOrReset(revision);
    while (outcome === "reset");
  }

  /**
   * Waits until this copy holds every change whose write was answered before the call, and returns the revision
   * reached: a marker of our own goes into the bucket and has to come back. Callers of one moment share a marker.
   */
  barrier(): Promise<number> {
    this.#nextBarrier ??= this.#barrierAfter(this.#currentBarrier);
    return this.#nextBarrier;
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    clearInterval(this.#timer);
    this.#reader?.[Symbol.dispose]();
  }

  async #barrierAfter(previous: Promise<unknown>): Promise<number> {
    await previous;
    const barrier = this.#barrier();
    this.#currentBarrier = barrier;
    this.#nextBarrier = undefined;
    return barrier;
  }

  /**
   * A marker gets a higher revision than all that was applied before it, except in a bucket made anew; and a marker of
   * the bucket before does not come back. In both cases another marker is sent.
   */
  async #barrier(): Promise<number> {
    const marker = { subject: CONFIG_SUBJECT_PREFIX + BARRIER_KEY, payload: new Uint8Array(), id: undefined };
    for (;;) {
      const appliedBefore = this.#appliedRevision;
      const { sequence } = await this.#publisher.publishUntilStored(marker);
      if (sequence <= appliedBefore) await this.#checkEpoch();
      else if ((await this.#reachedOrReset(sequence)) === "reached") return sequence;
    }
  }

  async #reachedOrReset(revision: number): Promise<WaitOutcome> {
    if (this.hasReached(revision)) return "reached";
    return new Promise((resolve) => this.#waiters.push({ revision, resolve }));
  }

  /** Follows the bucket once it exists, and begins anew when it turns out to be another one, or to have lost its end. */
  async #checkEpoch(): Promise<void> {
    if (this.#isCheckingEpoch || !this.#connection.isConnected) return;
    this.#isCheckingEpoch = true;
    const waiters = [...this.#waiters];
    const appliedBefore = this.#appliedRevision;
    try {
      const { epochMs, lastSequence } = await streamPosition(this.#connection, CONFIG_STREAM);
      if (!this.#isOpen) return;
      if (epochMs !== this.#epochMs || lastSequence < appliedBefore) this.#follow(epochMs, lastSequence);
      // Who was told of a revision before this bucket had it was told of another bucket's.
      for (const waiter of waiters) waiter.revision = Math.min(waiter.revision, lastSequence);
      this.#wake();
    } catch (error) {
      if (this.#epochMs !== 0) this.#options.onTrouble(error instanceof Error ? error.message : String(error));
    } finally {
      this.#isCheckingEpoch = false;
    }
  }

  /**
   * @param lastSequence where the replay ends: that message, or the one that has replaced it since, will come. The
   * server's own count of what is still to come is off for good once a message is replaced before it was handed out.
   */
  #follow(epochMs: number, lastSequence: number): void {
    this.#reader?.[Symbol.dispose]();
    if (this.#epochMs !== 0) this.#options.onReset();
    this.#epochMs = epochMs;
    this.#replayedAtRevision = lastSequence;
    this.#appliedRevision = 0;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve("reset");
    this.#reader = new SequentialReader(this.#connection, {
      stream: CONFIG_STREAM,
      subject: `${CONFIG_SUBJECT_PREFIX}>`,
      from: { kind: "last-per-subject" },
      windowMax: WINDOW_MAX,
      onMessage: (message) => this.#receive(message),
      onTrouble: this.#options.onTrouble,
    });
  }

  #receive(message: StoredMessage): void {
    this.#apply(message.subject.slice(CONFIG_SUBJECT_PREFIX.length), message);
    this.#reader?.taken(1);
    this.#appliedRevision = Math.max(this.#appliedRevision, message.sequence);
    this.#wake();
  }

  #apply(key: string, { data, sequence }: StoredMessage): void {
    if (key === BARRIER_KEY) return;
    if (key === SENTINEL_KEY) {
      const sentinel = decodeSentinel(data);
      if (sentinel.kind === "decoded") this.#sentinelEpochMs = sentinel.value;
      return;
    }
    const value = decodeConfigValue(data);
    if (value.kind === "decoded") this.#options.onValue(key, value.value, sequence);
    else this.#options.onTrouble(`the configuration value ${key} cannot be read: ${value.reason}`);
  }

  #wake(): void {
    if (this.#waiters.length === 0 || !this.isComplete) return;
    const isReached = (waiter: Waiter) => waiter.revision <= this.#appliedRevision;
    const reached = this.#waiters.filter(isReached);
    this.#waiters = this.#waiters.filter((waiter) => !isReached(waiter));
    for (const waiter of reached) waiter.resolve("reached");
  }
}
