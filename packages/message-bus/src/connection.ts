/**
 * The connection to NATS. It reconnects by itself, for ever; whoever needs to know about an outage listens.
 * Nothing here knows what the messages mean.
 */

import { setTimeout } from "node:timers/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection, Status } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

export type BusOptions = {
  /** One URL or several, comma-separated. */
  readonly servers: string;
  /** Shown in the server's connection list. */
  readonly name: string;
  /** Told whenever the connection comes and goes. */
  readonly health?: { up(): void; down(reason: string): void };
  /** Ends the waiting for the first connection: a process that is asked to stop need not see NATS first. */
  readonly stopping?: AbortSignal;
};

export type ConnectionState = "connected" | "disconnected";
export type StateListener = (state: ConnectionState) => void;

const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 100;
const PING_INTERVAL_MS = 5_000;
const CLOSE_FLUSH_MS_MAX = 1_000;
/** A request to the JetStream API; streams are looked at rarely, so a slow server may take its time. */
const API_TIMEOUT_MS = 5_000;

export class BusConnection implements AsyncDisposable {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly #listeners = new Set<StateListener>();
  readonly #unfinished = new Set<Promise<void>>();
  #state: ConnectionState = "connected";

  private constructor(nats: NatsConnection, manager: JetStreamManager) {
    this.nats = nats;
    this.manager = manager;
    void this.#follow();
  }

  /** Resolves when the first connection stands, however long that takes. Rejects only when it is called off. */
  static async open(options: BusOptions): Promise<BusConnection> {
    const nats = await firstConnection(options);
    const manager = await jetstreamManager(nats, { checkAPI: false, timeout: API_TIMEOUT_MS });
    const connection = new BusConnection(nats, manager);
    const { health } = options;
    health?.up();
    connection.onStateChange((state) => (state === "connected" ? health?.up() : health?.down("connection lost")));
    return connection;
  }

  get isConnected(): boolean {
    return this.#state === "connected" && !this.nats.isClosed();
  }

  /** Calls the listener at every change from now on; returns how to stop that. */
  onStateChange(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Closing waits for this work, within the bound for a server that does not answer. It must not reject. */
  finishBeforeClose(work: Promise<void>): void {
    this.#unfinished.add(work);
    void work.then(() => this.#unfinished.delete(work));
  }

  /** What was published before, acknowledgements above all, still reaches a server that answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    if (this.isConnected) {
      const flushed = Promise.all(this.#unfinished)
        .then(() => this.nats.flush())
        .catch(() => undefined);
      await Promise.race([flushed, setTimeout(CLOSE_FLUSH_MS_MAX, undefined, { ref: false })]);
    }
    await this.nats.close();
  }

  async #follow(): Promise<void> {
    for await (const status of this.nats.status()) {
      const state = stateAfter(status);
      if (state === undefined || state === this.#state) continue;
      this.#state = state;
      for (const listener of this.#listeners) listener(state);
    }
  }
}

async function firstConnection({ servers, name, stopping }: BusOptions): Promise<NatsConnection> {
  for (;;) {
    stopping?.throwIfAborted();
    try {
      return await connect({
        servers: servers.split(","),
        name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        reconnectJitter: RECONNECT_JITTER_MS,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: 2,
      });
    } catch {
      await setTimeout(RECONNECT_WAIT_MS, undefined, stopping === undefined ? {} : { signal: stopping });
    }
  }
}

function stateAfter(status: Status): ConnectionState | undefined {
  switch (status.type) {
    case "reconnect":
      return "connected";
    case "disconnect":
    case "staleConnection":
    case "close":
      return "disconnected";
    default:
      return undefined;
  }
}
