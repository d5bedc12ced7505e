/**
 * The guarded HTTP client. It follows no redirect, reads no proxy from the environment, decompresses nothing, and opens no socket to
 * an address that the policy forbids, whatever a URL or a name server says.
 */

import type { Resolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import type { EgressProxy } from "../egress-proxy.ts";
import { DEADLINE_MS_MAX, EGRESS_LIMITS, type EgressLimits } from "../limits.ts";
import { type IsOwnAddress, isOwnAddress } from "../target/own-addresses.ts";
import type { TargetUrl } from "../target/target-url.ts";
import { ConnectionPool, type PoolStats } from "./connection-pool.ts";
import { Deadlines } from "./deadlines.ts";
import { Exchange, type Settle } from "./exchange.ts";
import { type Place, Places } from "./places.ts";
import type { Header, PostAborted, PostResult } from "./post-result.ts";
import { requestHeaders } from "./request-headers.ts";
import { TlsIdentity } from "./tls-identity.ts";

export interface EgressClientOptions {
  readonly policy: EgressPolicy;
  readonly resolver: Resolver;
  readonly userAgent: string;
  /** Those that differ from `EGRESS_LIMITS`. */
  readonly limits?: Partial<EgressLimits>;
  /** PEM of certificate authorities to trust besides the usual ones. */
  readonly ca?: readonly string[];
  /** The only proxy there is; the environment's are not looked at. */
  readonly proxy?: EgressProxy | undefined;
  /** Whether an address is this machine's. */
  readonly isOwnAddress?: IsOwnAddress;
  /** Monotonic. */
  readonly nowMs?: () => number;
}

export interface PostRequest {
  readonly url: TargetUrl;
  /** Without those that the client owns: host, framing, connection, user-agent, accept-encoding. */
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
  /** The whole time from holding a place to the result: 1 to `DEADLINE_MS_MAX`. */
  readonly deadlineMs: number;
  /** From this client, for the origin of the URL. Without it the request waits for one first, as long as it takes. */
  readonly place?: Place;
  readonly signal?: AbortSignal;
}

export interface EgressStats extends PoolStats {
  /** Requests without a place. */
  readonly waiting: number;
}

export interface EgressClient extends AsyncDisposable {
  /** A place at once, or undefined: the origin's sockets, all sockets, or this owner's share of them are in use. */
  tryReserve(url: TargetUrl, owner: string): Place | undefined;
  /**
   * A place as soon as one is free. Owners that wait for the same origin take turns.
   * @returns undefined when `signal` was aborted or the client disposed before.
   */
  reserve(url: TargetUrl, owner: string, signal?: AbortSignal): Promise<Place | undefined>;
  /** Resolves with whatever the receiver did. Rejects only for requests that no receiver could get: a caller's bug. */
  post(request: PostRequest): Promise<PostResult>;
  stats(): EgressStats;
  /** Ends requests under way as `aborted` and closes all sockets. */
  [Symbol.asyncDispose](): Promise<void>;
}

export function createEgressClient(options: EgressClientOptions): EgressClient {
  const { policy, resolver, userAgent, nowMs = () => performance.now() } = options;
  const { isOwnAddress: isOwn = isOwnAddress } = options;
  const limits = { ...EGRESS_LIMITS, ...options.limits };
  const tls = new TlsIdentity(options.ca ?? [], nowMs);
  const { connectTimeoutMs } = limits;
  const sockets = { policy, resolver, isOwnAddress: isOwn, proxy: options.proxy, tls, connectTimeoutMs };
  const pool = new ConnectionPool({ ...sockets, limits, nowMs });
  const deadlines = new Deadlines(nowMs);
  const running = new Set<Exchange>();
  const around = { pool, deadlines, limits, nowMs, onSettled: (exchange: Exchange) => running.delete(exchange) };
  const places = new Places(limits);
  let isDisposed = false;

  function exchange(request: PostRequest, headerLines: string[], place: Place, settle: Settle): void {
    const { url, body, deadlineMs, signal } = request;
    const begun = new Exchange({ target: url, place, headerLines, body, deadlineMs, signal }, around, settle);
    running.add(begun);
    if (signal?.aborted) begun.abort();
    else begun.start();
  }

  async function exchangeWhenPlaced(request: PostRequest, headerLines: string[], settle: Settle): Promise<void> {
    const { url, signal } = request;
    const startedAtMs = nowMs();
    const place = await places.reserve(url.origin, url.origin, signal);
    if (place !== undefined && !isDisposed) return exchange(request, headerLines, place, settle);
    place?.[Symbol.dispose]();
    settle.resolve(neverBegun(nowMs() - startedAtMs));
  }

  function begin(request: PostRequest, settle: Settle): void {
    const { headers, deadlineMs, place } = request;
    if (isDisposed) throw new Error("the egress client was disposed");
    if (!(deadlineMs >= 1 && deadlineMs <= DEADLINE_MS_MAX)) {
      throw new RangeError(`deadlineMs is ${deadlineMs}; it must lie between 1 and ${DEADLINE_MS_MAX}`);
    }
    const headerLines = requestHeaders(headers, userAgent);
    if (place !== undefined) exchange(request, headerLines, place, settle);
    else exchangeWhenPlaced(request, headerLines, settle).catch(settle.reject);
  }

  return {
    tryReserve: (url, owner) => places.tryReserve(url.origin, owner),
    reserve: (url, owner, signal) => places.reserve(url.origin, owner, signal),
    // What is thrown in here rejects the promise.
    post: (request) => new Promise((resolve, reject) => begin(request, { resolve, reject })),
    stats: () => ({ ...pool.stats, waiting: places.waiting }),
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      places[Symbol.dispose]();
      for (const exchange of running) exchange.abort();
      deadlines[Symbol.dispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
}

function neverBegun(durationMs: number): PostAborted {
  const timing = { durationMs, connectMs: undefined, headersMs: undefined };
  return { kind: "aborted", requestMayHaveArrived: false, redone: false, timing };
}
