/**
 * The guarded HTTP client. It follows no redirect, reads no proxy setting, decompresses nothing, and opens no socket to
 * an address that the policy forbids, whatever a URL or a name server says.
 */

import type { Resolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { DEADLINE_MS_MAX, EGRESS_LIMITS, type EgressLimits } from "../limits.ts";
import type { TargetUrl } from "../target/target-url.ts";
import { ConnectionPool, type PoolStats } from "./connection-pool.ts";
import { Deadlines } from "./deadlines.ts";
import { Exchange } from "./exchange.ts";
import type { Header, PostResult } from "./post-result.ts";
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
  /** Monotonic. */
  readonly nowMs?: () => number;
}

export interface PostRequest {
  readonly url: TargetUrl;
  /** Without those that the client owns: host, framing, connection, user-agent, accept-encoding. */
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
  /** The whole time from the call to the result, waiting for a free connection included: 1 to `DEADLINE_MS_MAX`. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface EgressClient extends AsyncDisposable {
  /** Resolves with whatever the receiver did. Rejects only for requests that no receiver could get: a caller's bug. */
  post(request: PostRequest): Promise<PostResult>;
  stats(): PoolStats;
  /** Ends requests under way as `aborted` and closes all sockets. */
  [Symbol.asyncDispose](): Promise<void>;
}

export function createEgressClient(options: EgressClientOptions): EgressClient {
  const { policy, resolver, userAgent, nowMs = () => performance.now() } = options;
  const limits = { ...EGRESS_LIMITS, ...options.limits };
  const tls = new TlsIdentity(options.ca ?? [], nowMs);
  const { connectTimeoutMs } = limits;
  const pool = new ConnectionPool({ policy, resolver, tls, connectTimeoutMs, limits, nowMs });
  const deadlines = new Deadlines(nowMs);
  const running = new Set<Exchange>();
  const around = { pool, deadlines, limits, nowMs, onSettled: (exchange: Exchange) => running.delete(exchange) };
  let isDisposed = false;

  return {
    post: ({ url, headers, body, deadlineMs, signal }) =>
      new Promise((resolve, reject) => {
        if (isDisposed) throw new Error("the egress client was disposed");
        if (!(deadlineMs >= 1 && deadlineMs <= DEADLINE_MS_MAX)) {
          throw new RangeError(`deadlineMs is ${deadlineMs}; it must lie between 1 and ${DEADLINE_MS_MAX}`);
        }
        const headerLines = requestHeaders(headers, userAgent);
        const exchange = new Exchange({ target: url, headerLines, body, deadlineMs, signal }, around, {
          resolve,
          reject,
        });
        running.add(exchange);
        if (signal?.aborted) exchange.abort();
        else pool.acquire(exchange);
      }),
    stats: () => pool.stats,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      for (const exchange of running) exchange.abort();
      deadlines[Symbol.dispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
}
