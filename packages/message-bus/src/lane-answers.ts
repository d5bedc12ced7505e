/** The answers of one lane to the messages that it was handed: none is lost with the connection, only with the process. */

import type { BusConnection } from "./connection.ts";

export class LaneAnswers {
  readonly #connection: BusConnection;
  /** Answers that could not be sent yet, by the subject that they go to. */
  readonly #owed = new Map<string, Uint8Array>();
  /** False from the end of pulling until the server knows of it. */
  #mayHandBack = false;

  constructor(connection: BusConnection) {
    this.#connection = connection;
  }

  /** Now, or when there is a connection again. */
  send(reply: string, answer: Uint8Array): void {
    if (this.#connection.isConnected) this.#connection.nats.publish(reply, answer);
    else this.#owed.set(reply, answer);
  }

  /**
   * A server of 2.9 that has something to hand out again, and finds of those who asked only who is gone, forgets it
   * until its lease is over, and hands out the message before it once more as if it were new.
   */
  handBack(reply: string, answer: Uint8Array): void {
    if (this.#mayHandBack) this.send(reply, answer);
    else this.#owed.set(reply, answer);
  }

  /** From now on what is handed back waits for `release`. */
  holdBack(): void {
    this.#mayHandBack = false;
  }

  release(): void {
    this.#mayHandBack = true;
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const [reply, answer] of owed) this.send(reply, answer);
  }
}
