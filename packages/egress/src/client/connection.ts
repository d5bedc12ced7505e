/**
 * One slot for a socket to one origin: an undici client that carries one request at a time and opens its socket through
 * the guard. It knows what undici does not tell: why no socket came about, and whether the socket was used before.
 */

import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";
import type { EgressLimits } from "../limits.ts";
import type { TargetUrl } from "../target/target-url.ts";
import type { ConnectFailure } from "./failure.ts";
import { openSocket, type SocketOutcome, type SocketSettings } from "./open-socket.ts";
import { readInSlices } from "./read-in-slices.ts";

export interface ConnectionSettings extends SocketSettings {
  readonly limits: EgressLimits;
  /** Monotonic. */
  readonly nowMs: () => number;
}

export interface ConnectionOwner {
  /** The socket is gone. A request that was not sent yet makes the connection open another one by itself. */
  onDisconnect(connection: Connection): void;
}

export interface RequestOnConnection {
  /** The answer exceeds `responseBytesMax` on the wire. May be called again until the request ends. */
  onFlood(): void;
}

export class Connection {
  readonly target: TargetUrl;
  readonly openedAtMs: number;
  readonly #settings: ConnectionSettings;
  readonly #client: Client;
  readonly #closing = new AbortController();
  #connectFailure: ConnectFailure | undefined;
  #connectMs: number | undefined;
  #requestsOnSocket = 0;
  #bytesReadBefore = 0;
  #socket: Socket | undefined;
  #request: RequestOnConnection | undefined;

  constructor(target: TargetUrl, settings: ConnectionSettings, owner: ConnectionOwner) {
    const { limits } = settings;
    this.target = target;
    this.#settings = settings;
    this.openedAtMs = settings.nowMs();
    this.#client = new Client(target.origin, {
      connect: (_options, callback) => {
        this.#open().then(
          (outcome) => {
            if (outcome.kind === "open") callback(null, outcome.socket);
            else callback(new Error(`no socket: ${outcome.failure.stage}`), null);
          },
          (bug: Error) => callback(bug, null),
        );
      },
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      keepAliveMaxTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.responseHeaderBytesMax,
      // One deadline covers the whole attempt; undici's own are per phase and half a second coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#client.on("disconnect", () => owner.onDisconnect(this));
  }

  /** Why the last try to open a socket failed. */
  get connectFailure(): ConnectFailure | undefined {
    return this.#connectFailure;
  }

  /** Whether the present socket has carried a request before. */
  get isReused(): boolean {
    return this.#requestsOnSocket > 0;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler);
  }

  /**
   * Called when a request is about to be written.
   * @returns how long the socket took to open; undefined when it was open already.
   */
  beginRequest(request: RequestOnConnection): number | undefined {
    const connectMs = this.isReused ? undefined : this.#connectMs;
    this.#requestsOnSocket += 1;
    this.#bytesReadBefore = this.#socket?.bytesRead ?? 0;
    this.#request = request;
    return connectMs;
  }

  /** Called when the answer is complete: an idle connection must not hold on to the body that it sent. */
  endRequest(): void {
    this.#request = undefined;
  }

  /** Ends whatever is under way. Resolves when the socket is closed. */
  async destroy(): Promise<void> {
    this.#closing.abort();
    await this.#client.destroy();
  }

  async #open(): Promise<SocketOutcome> {
    this.#connectFailure = undefined;
    const startedAtMs = this.#settings.nowMs();
    const outcome = await openSocket(this.target, this.#settings, this.#closing.signal);
    if (outcome.kind === "failed") {
      this.#connectFailure = outcome.failure;
      return outcome;
    }
    const { socket } = outcome;
    this.#socket = socket;
    this.#connectMs = this.#settings.nowMs() - startedAtMs;
    this.#requestsOnSocket = 0;
    readInSlices(socket, () => this.#closing.signal.aborted);
    socket.on("readable", () => {
      const bytesRead = socket.bytesRead - this.#bytesReadBefore;
      if (bytesRead > this.#settings.limits.responseBytesMax) this.#request?.onFlood();
    });
    return outcome;
  }
}
