/**
 * Log messages of one partition, in order from a sequence on, waiting to be projected. It ends, and hands out nothing
 * more, when the stream may have become another one: then somebody has to look before reading on.
 */

import { type Decoded, decodeLogFacts } from "@posthorn/contracts";
import type { LogFact } from "@posthorn/domain";
import { type BusConnection, SequentialReader, type StoredMessage, subjectOf } from "@posthorn/message-bus";
import { type BatchLimits, batchSize, type MessageSize } from "../core/batch-size.ts";

export type ReceivedMessage = {
  readonly sequence: number;
  readonly storedAtMs: number;
  readonly bytes: Uint8Array;
  readonly content: Decoded<readonly LogFact[]>;
};

export type Taken =
  | { readonly kind: "messages"; readonly messages: readonly ReceivedMessage[] }
  | { readonly kind: "ended"; readonly reason: string };

type WaitingMessage = Omit<ReceivedMessage, "content"> & MessageSize;

/** Messages held here at most. */
const WINDOW_MAX = 192;

export class LogInbox implements Disposable {
  readonly #reader: SequentialReader;
  readonly #stopListening: () => void;
  readonly #waiting: WaitingMessage[] = [];
  #pending = 0;
  #endReason: string | undefined;
  #wake: () => void = () => {};
  #onFilled: { readonly limits: BatchLimits; readonly resolve: () => void } | undefined;

  constructor(connection: BusConnection, partition: number, fromSequence: number) {
    this.#stopListening = connection.onStateChange(() => this.#end("the connection to NATS was lost"));
    this.#reader = new SequentialReader(connection, {
      stream: "LOG",
      subject: subjectOf("LOG", partition),
      from: { kind: "sequence", sequence: fromSequence },
      windowMax: WINDOW_MAX,
      onMessage: (message, pending) => this.#receive(message, pending),
      onTrouble: (reason) => this.#end(reason),
    });
  }

  /** Messages that are stored and not taken yet, here and in the stream. */
  get lag(): number {
    return this.#waiting.length + this.#pending;
  }

  /** Resolves when more waits here than one batch takes, or nothing more will come. Only the last call is answered. */
  async filled(limits: BatchLimits): Promise<void> {
    if (this.#endReason !== undefined || this.#exceeds(limits)) return;
    await new Promise<void>((resolve) => {
      this.#onFilled = { limits, resolve };
    });
  }

  /** What waits, within the limits; when nothing waits, the next message as soon as it comes. */
  async take(limits: BatchLimits): Promise<Taken> {
    while (this.#waiting.length === 0 && this.#endReason === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#endReason !== undefined) return { kind: "ended", reason: this.#endReason };
    const messages = this.#waiting.splice(0, batchSize(this.#waiting, limits));
    this.#reader.taken(messages.length);
    return { kind: "messages", messages: messages.map(decoded) };
  }

  /** Ends it; a `take` that waits returns. */
  [Symbol.dispose](): void {
    this.#end("closed");
  }

  #receive({ sequence, storedAtMs, data }: StoredMessage, pending: number): void {
    if (this.#endReason !== undefined) return;
    this.#waiting.push({ sequence, storedAtMs, bytes: data, byteCount: data.length });
    this.#pending = pending;
    this.#wake();
    if (this.#onFilled !== undefined && this.#exceeds(this.#onFilled.limits)) this.#onFilled.resolve();
  }

  #exceeds(limits: BatchLimits): boolean {
    return batchSize(this.#waiting, limits) < this.#waiting.length;
  }

  #end(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#stopListening();
    this.#reader[Symbol.dispose]();
    this.#wake();
    this.#onFilled?.resolve();
  }
}

/** Not before its batch is due: what lives for a batch only costs the garbage collector next to nothing. */
function decoded({ sequence, storedAtMs, bytes }: WaitingMessage): ReceivedMessage {
  return { sequence, storedAtMs, bytes, content: decodeLogFacts(bytes) };
}
