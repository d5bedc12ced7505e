/**
 * The organisations, keys and event types as the configuration bucket has them, followed as they change.
 * Failure policy: without a complete copy nobody is let in and nobody is turned away.
 */

import { type BusConnection, ConfigReplica, type Publisher } from "@posthorn/message-bus";
import type { KnownKeys } from "../core/access.ts";
import { createKeyIndex } from "../core/key-index.ts";
import { createTypeIndex, type KnownTypes } from "../core/known-types.ts";

export type ConfigurationOptions = {
  /** Told when the copy is complete and when it has to be made anew. */
  readonly health: { up(): void; down(reason: string): void };
  readonly onTrouble: (reason: string) => void;
};

export class ConfigurationDirectory implements Disposable {
  readonly known: KnownKeys;
  readonly types: KnownTypes;
  readonly #connection: BusConnection;
  readonly #replica: ConfigReplica;

  constructor(connection: BusConnection, publisher: Publisher, options: ConfigurationOptions) {
    const keys = createKeyIndex();
    const types = createTypeIndex();
    this.known = keys;
    this.types = types;
    this.#connection = connection;
    this.#replica = new ConfigReplica(connection, publisher, {
      onValue: (key, value) => {
        keys.apply(key, value);
        types.apply(key, value);
      },
      onReset: () => {
        keys.clear();
        types.clear();
        options.health.down("the configuration is being read anew");
        // The copy counts as complete until this call has returned.
        queueMicrotask(() => void this.#announceCompletion(options.health));
      },
      onTrouble: options.onTrouble,
    });
    options.health.down("the configuration has not been read completely yet");
    void this.#announceCompletion(options.health);
  }

  get isComplete(): boolean {
    return this.#replica.isComplete;
  }

  /**
   * Brings the copy up to every change that was answered before the call. False when that takes longer than
   * `deadlineMs`, at once when there is no connection.
   */
  async catchUp(deadlineMs: number): Promise<boolean> {
    if (!this.#connection.isConnected) return false;
    const { promise: tooLate, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, deadlineMs, false);
    try {
      return await Promise.race([this.#replica.barrier().then(() => true), tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #announceCompletion(health: ConfigurationOptions["health"]): Promise<void> {
    await this.#replica.reached(0);
    health.up();
  }

  [Symbol.dispose](): void {
    this.#replica[Symbol.dispose]();
  }
}
