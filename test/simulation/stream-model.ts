/** One stream as a JetStream server keeps it: sequences, the last ids it remembers, and what retention takes away. */

export type Stored = {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly storedAtMs: number;
  isGone: boolean;
};

export type StreamKind =
  | "limits"
  /** What is acknowledged goes. */
  | "work-queue"
  /** The last message of each subject stays. */
  | "last-value";

export type StreamSettings = {
  readonly name: string;
  readonly kind: StreamKind;
  readonly epochMs: number;
  readonly dedupeMs: number;
};

type Remembered = { readonly stored: Stored; readonly atMs: number };

export class StreamModel {
  readonly settings: StreamSettings;
  readonly messages: Stored[] = [];
  readonly #lastOfSubject = new Map<string, Stored>();
  readonly #ids = new Map<string, Remembered>();

  constructor(settings: StreamSettings) {
    this.settings = settings;
  }

  get lastSequence(): number {
    return this.messages.length;
  }

  get firstSequence(): number {
    return this.messages.find(({ isGone }) => !isGone)?.sequence ?? this.lastSequence + 1;
  }

  /** The message that was stored under this id within the window. */
  known(id: string, nowMs: number): Stored | undefined {
    const found = this.#ids.get(id);
    return found !== undefined && nowMs - found.atMs < this.settings.dedupeMs ? found.stored : undefined;
  }

  store(subject: string, data: Uint8Array, id: string | undefined, nowMs: number): Stored {
    const stored = { sequence: this.lastSequence + 1, subject, data, storedAtMs: nowMs, isGone: false };
    this.messages.push(stored);
    if (id !== undefined) this.#ids.set(id, { stored, atMs: nowMs });
    const before = this.#lastOfSubject.get(subject);
    if (this.settings.kind === "last-value" && before !== undefined) before.isGone = true;
    this.#lastOfSubject.set(subject, stored);
    return stored;
  }

  at(sequence: number): Stored | undefined {
    const found = this.messages[sequence - 1];
    return found === undefined || found.isGone ? undefined : found;
  }

  lastOf(subject: string): Stored | undefined {
    const last = this.#lastOfSubject.get(subject);
    if (last === undefined || !last.isGone) return last;
    return this.messages.findLast((stored) => stored.subject === subject && !stored.isGone);
  }

  /** The next message that is still there, of a subject or of all under a prefix that ends in `>`. */
  next(fromSequence: number, filter: string): Stored | undefined {
    const { messages } = this;
    for (let index = Math.max(0, fromSequence - 1); index < messages.length; index += 1) {
      const stored = messages[index];
      if (stored !== undefined && !stored.isGone && isOf(stored.subject, filter)) return stored;
    }
    return undefined;
  }

  /** Ids of messages that are gone are forgotten with a restart: the server reads them from what it still holds. */
  forgetIdsOfGone(): void {
    for (const [id, { stored }] of this.#ids) if (stored.isGone) this.#ids.delete(id);
  }
}

export function isOf(subject: string, filter: string): boolean {
  return filter.endsWith(">") ? subject.startsWith(filter.slice(0, -1)) : subject === filter;
}
