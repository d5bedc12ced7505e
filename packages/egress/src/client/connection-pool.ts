/**
 * Holds the sockets: idle ones are reused, newest first, and make room for another origin's when all are open. Whoever
 * takes one holds a place (see `places.ts`), so that there is always one to take. (undici's own pools do not bound the
 * sockets of all origins, and what waits in them cannot be taken back.)
 */

import type { TargetUrl } from "../target/target-url.ts";
import { Connection, type ConnectionOwner, type ConnectionSettings } from "./connection.ts";

export interface PoolStats {
  /** Those with sockets. */
  readonly origins: number;
  /** Idle ones included. */
  readonly connections: number;
  readonly idle: number;
}

type Origin = {
  readonly key: string;
  readonly idle: Connection[];
  connections: number;
};

export class ConnectionPool implements ConnectionOwner, AsyncDisposable {
  readonly #settings: ConnectionSettings;
  readonly #origins = new Map<string, Origin>();
  readonly #connections = new Set<Connection>();
  /** Longest idle first. */
  readonly #idle = new Set<Connection>();
  readonly #closing = new Set<Promise<void>>();

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  get stats(): PoolStats {
    return { origins: this.#origins.size, connections: this.#connections.size, idle: this.#idle.size };
  }

  /** For the holder of a place at this origin. */
  take(target: TargetUrl): Connection {
    const idle = this.#origins.get(target.origin)?.idle.pop();
    if (idle !== undefined) {
      this.#idle.delete(idle);
      return idle;
    }
    this.#makeRoom();
    return this.#open(target);
  }

  /** Gives back a connection whose request ended well. */
  release(connection: Connection): void {
    const ageMs = this.#settings.nowMs() - connection.openedAtMs;
    if (ageMs > this.#settings.limits.connectionAgeMsMax) {
      this.discard(connection);
      return;
    }
    this.#origins.get(connection.target.origin)?.idle.push(connection);
    this.#idle.add(connection);
  }

  /** Closes a connection, whatever it is doing. */
  discard(connection: Connection): void {
    const origin = this.#origins.get(connection.target.origin);
    if (origin === undefined || !this.#connections.delete(connection)) return;
    origin.connections -= 1;
    if (this.#idle.delete(connection)) origin.idle.splice(origin.idle.indexOf(connection), 1);
    if (origin.connections === 0) this.#origins.delete(origin.key);
    const closed = connection.destroy();
    this.#closing.add(closed);
    closed.finally(() => this.#closing.delete(closed));
  }

  /** Closes a connection and opens a fresh one in its place. */
  replace(connection: Connection): Connection {
    this.discard(connection);
    return this.#open(connection.target);
  }

  onDisconnect(connection: Connection): void {
    // A busy connection is given back by its request, which knows what became of it.
    if (this.#idle.has(connection)) this.discard(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of [...this.#connections]) this.discard(connection);
    await Promise.all(this.#closing);
  }

  /** Of all connections that may be open, those that no place is held for are idle: the longest idle one goes. */
  #makeRoom(): void {
    if (this.#connections.size < this.#settings.limits.connectionsMax) return;
    const [longestIdle] = this.#idle;
    if (longestIdle !== undefined) this.discard(longestIdle);
  }

  #open(target: TargetUrl): Connection {
    const connection = new Connection(target, this.#settings, this);
    this.#connections.add(connection);
    const origin = this.#origins.get(target.origin);
    if (origin === undefined) this.#origins.set(target.origin, { key: target.origin, idle: [], connections: 1 });
    else origin.connections += 1;
    return connection;
  }
}
