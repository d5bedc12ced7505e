/**
 * Shares out sockets: at most so many to one origin and so many altogether, idle ones reused, newest first. When all
 * are in use, origins that have fewer than their share take turns; an idle socket of another origin makes room at once.
 * (undici's own pools do not bound the sockets of all origins, and what waits in them cannot be taken back.)
 */

import type { TargetUrl } from "../target/target-url.ts";
import { Connection, type ConnectionOwner, type ConnectionSettings } from "./connection.ts";

export interface Waiter {
  readonly target: TargetUrl;
  /** Called once, now or later, unless cancelled before. */
  start(connection: Connection): void;
}

export interface PoolStats {
  readonly origins: number;
  /** Idle ones included. */
  readonly connections: number;
  readonly idle: number;
  readonly waiting: number;
}

type Origin = {
  readonly key: string;
  readonly idle: Connection[];
  /** In order of arrival. */
  readonly waiting: Set<Waiter>;
  connections: number;
};

export class ConnectionPool implements ConnectionOwner, AsyncDisposable {
  readonly #settings: ConnectionSettings;
  readonly #origins = new Map<string, Origin>();
  readonly #connections = new Set<Connection>();
  /** Longest idle first. */
  readonly #idle = new Set<Connection>();
  /** Origins with waiters and fewer connections than they may have: the bound on all connections holds them up. */
  readonly #starved = new Set<Origin>();
  readonly #closing = new Set<Promise<void>>();

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  get stats(): PoolStats {
    let waiting = 0;
    for (const origin of this.#origins.values()) waiting += origin.waiting.size;
    return { origins: this.#origins.size, connections: this.#connections.size, idle: this.#idle.size, waiting };
  }

  acquire(waiter: Waiter): void {
    const origin = this.#originOf(waiter.target);
    const idle = origin.idle.pop();
    if (idle !== undefined) {
      this.#idle.delete(idle);
      waiter.start(idle);
      return;
    }
    if (this.#mayGrow(origin) && this.#makeRoom()) {
      waiter.start(this.#open(origin, waiter.target));
      return;
    }
    origin.waiting.add(waiter);
    if (this.#mayGrow(origin)) this.#starved.add(origin);
  }

  /** Takes back a waiter that has not been started. */
  cancel(waiter: Waiter): void {
    const origin = this.#origins.get(waiter.target.origin);
    if (origin === undefined) return;
    origin.waiting.delete(waiter);
    if (origin.waiting.size === 0) this.#starved.delete(origin);
    this.#forgetIfUnused(origin);
  }

  /** Gives back a connection whose request ended well. */
  release(connection: Connection): void {
    const origin = this.#originOf(connection.target);
    const ageMs = this.#settings.nowMs() - connection.openedAtMs;
    const isWantedElsewhere = this.#starved.size > 0;
    if (isWantedElsewhere || ageMs > this.#settings.limits.connectionAgeMsMax) {
      this.discard(connection);
      return;
    }
    const next = takeFirst(origin.waiting);
    if (next !== undefined) {
      next.start(connection);
      return;
    }
    origin.idle.push(connection);
    this.#idle.add(connection);
  }

  /** Closes a connection, whatever it is doing, and lets somebody else have its place. */
  discard(connection: Connection): void {
    const origin = this.#origins.get(connection.target.origin);
    if (origin === undefined || !this.#close(connection, origin)) return;
    if (origin.waiting.size > 0) this.#starved.add(origin);
    this.#serveStarved();
    this.#forgetIfUnused(origin);
  }

  /** Closes a connection and opens a fresh one in its place. */
  replace(connection: Connection): Connection {
    const origin = this.#originOf(connection.target);
    this.#close(connection, origin);
    return this.#open(origin, connection.target);
  }

  onDisconnect(connection: Connection): void {
    // A busy connection is given back by its request, which knows what became of it.
    if (this.#idle.has(connection)) this.discard(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#starved.clear();
    for (const connection of [...this.#connections]) this.discard(connection);
    await Promise.all(this.#closing);
  }

  #serveStarved(): void {
    for (const origin of this.#starved) {
      if (!this.#makeRoom()) return;
      // Deleted and added again, an origin with more waiters goes to the end of the line.
      this.#starved.delete(origin);
      const waiter = takeFirst(origin.waiting);
      if (waiter === undefined) continue;
      const connection = this.#open(origin, waiter.target);
      if (origin.waiting.size > 0 && this.#mayGrow(origin)) this.#starved.add(origin);
      waiter.start(connection);
    }
  }

  #originOf(target: TargetUrl): Origin {
    const known = this.#origins.get(target.origin);
    if (known !== undefined) return known;
    const origin: Origin = { key: target.origin, idle: [], waiting: new Set(), connections: 0 };
    this.#origins.set(target.origin, origin);
    return origin;
  }

  #mayGrow(origin: Origin): boolean {
    return origin.connections < this.#settings.limits.connectionsPerOriginMax;
  }

  /** Whether there is a place for one more connection, if need be that of the one that has been idle longest. */
  #makeRoom(): boolean {
    if (this.#connections.size < this.#settings.limits.connectionsMax) return true;
    const [longestIdle] = this.#idle;
    if (longestIdle === undefined) return false;
    const origin = this.#originOf(longestIdle.target);
    this.#close(longestIdle, origin);
    this.#forgetIfUnused(origin);
    return true;
  }

  #open(origin: Origin, target: TargetUrl): Connection {
    const connection = new Connection(target, this.#settings, this);
    this.#connections.add(connection);
    origin.connections += 1;
    return connection;
  }

  /** False when it was closed before. */
  #close(connection: Connection, origin: Origin): boolean {
    if (!this.#connections.delete(connection)) return false;
    origin.connections -= 1;
    if (this.#idle.delete(connection)) origin.idle.splice(origin.idle.indexOf(connection), 1);
    const closed = connection.destroy();
    this.#closing.add(closed);
    closed.finally(() => this.#closing.delete(closed));
    return true;
  }

  #forgetIfUnused(origin: Origin): void {
    if (origin.connections === 0 && origin.waiting.size === 0) this.#origins.delete(origin.key);
  }
}

function takeFirst<Item>(items: Set<Item>): Item | undefined {
  const [first] = items;
  if (first !== undefined) items.delete(first);
  return first;
}
