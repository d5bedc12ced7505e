/**
 * The creation time of the INGEST stream, which every place of a payload names, because a stream made anew reuses
 * sequences. Asked again whenever the stream may have been replaced; until the answer is there, nobody gets an epoch.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BusConnection, streamPosition } from "@posthorn/message-bus";

const RETRY_MS = 500;

export class IngestEpoch implements Disposable {
  readonly #connection: BusConnection;
  readonly #onTrouble: (reason: string) => void;
  readonly #stopListening: () => void;
  #epochMs: number | undefined;
  /** Answers to earlier questions do not count. */
  #question = 0;

  constructor(connection: BusConnection, onTrouble: (reason: string) => void) {
    this.#connection = connection;
    this.#onTrouble = onTrouble;
    this.#stopListening = connection.onStateChange(() => this.forget());
    void this.#ask(this.#question);
  }

  /** Undefined while it is not known. */
  get epochMs(): number | undefined {
    return this.#epochMs;
  }

  /** The stream may be another one. */
  forget(): void {
    this.#epochMs = undefined;
    this.#question += 1;
    void this.#ask(this.#question);
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    this.#question += 1;
  }

  async #ask(question: number): Promise<void> {
    while (question === this.#question && this.#connection.isConnected) {
      try {
        const { epochMs } = await streamPosition(this.#connection, "INGEST");
        if (question === this.#question) this.#epochMs = epochMs;
        return;
      } catch (error) {
        this.#onTrouble(error instanceof Error ? error.message : String(error));
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }
}
