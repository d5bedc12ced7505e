/**
 * Names to addresses by c-ares, which talks to the name servers itself: `dns.lookup` would queue every name behind
 * four threads, where one slow name server holds up all receivers. Search domains and the hosts file are not used.
 */

import { Resolver as CaresResolver } from "node:dns/promises";
import { ExpiringMap } from "../expiring-map.ts";

export type Resolution =
  /** At least one address, IPv4 first. */
  | { readonly kind: "resolved"; readonly addresses: readonly string[] }
  | { readonly kind: "unresolved"; readonly reason: UnresolvedReason };
export type UnresolvedReason = "not_found" | "timeout" | "failed" | "too_many_addresses";

export interface Resolver {
  /** All addresses of a name in lower case without a trailing dot. Never rejects. */
  resolve(name: string): Promise<Resolution>;
}

export interface ResolverOptions {
  /** `address` or `address:port`; the machine's own when absent. Anything else throws at creation. */
  readonly servers?: readonly string[];
  /** For both families together, repetitions included; c-ares may take up to a second longer. */
  readonly timeoutMs?: number;
  readonly answersMax?: number;
  /** Monotonic. */
  readonly nowMs?: () => number;
}

const LOOKUP_TIMEOUT_MS = 5_000;
/** c-ares doubles the time-out of the second try: both together are the whole. */
const TRIES = 2;
const TIMEOUT_SHARES = 3;
const ANSWERS_MAX = 10_000;
/** Some 5 KiB of memory. An answer over TCP may hold 4,000 records, and 10,000 such answers would be kept. */
const ADDRESSES_MAX = 64;
/** A record's own time to live counts between these two: a changed answer is seen soon, a burst asks once. */
const ANSWER_TTL_MS_MIN = 1_000;
const ANSWER_TTL_MS_MAX = 30_000;
const FAILURE_TTL_MS = 5_000;
const LOOPBACK: Resolution = { kind: "resolved", addresses: ["127.0.0.1", "::1"] };

type Answer = { readonly resolution: Resolution; readonly ttlMs: number };
type RecordSet =
  | { readonly kind: "records"; readonly records: readonly { readonly address: string; readonly ttl: number }[] }
  | { readonly kind: "none"; readonly reason: UnresolvedReason };

export function createResolver(options: ResolverOptions = {}): Resolver & Disposable {
  const { timeoutMs = LOOKUP_TIMEOUT_MS, nowMs = () => performance.now() } = options;
  const cares = new CaresResolver({ timeout: Math.ceil(timeoutMs / TIMEOUT_SHARES), tries: TRIES });
  if (options.servers !== undefined && options.servers.length > 0) cares.setServers(options.servers);
  const cache = new ExpiringMap<Resolution>(options.answersMax ?? ANSWERS_MAX);
  const running = new Map<string, Promise<Resolution>>();

  async function lookUp(name: string): Promise<Resolution> {
    const [v4, v6] = await Promise.all([
      recordSet(cares.resolve4(name, { ttl: true })),
      recordSet(cares.resolve6(name, { ttl: true })),
    ]);
    const { resolution, ttlMs } = answerOf(v4, v6);
    cache.set(name, resolution, nowMs() + ttlMs);
    running.delete(name);
    return resolution;
  }

  return {
    async resolve(name) {
      // RFC 6761: names of the loopback interface never reach a name server.
      if (name === "localhost" || name.endsWith(".localhost")) return LOOPBACK;
      const known = cache.get(name, nowMs()) ?? running.get(name);
      if (known !== undefined) return known;
      const lookup = lookUp(name);
      running.set(name, lookup);
      return lookup;
    },
    [Symbol.dispose]() {
      cares.cancel();
    },
  };
}

function answerOf(v4: RecordSet, v6: RecordSet): Answer {
  const records = [v4, v6].flatMap((set) => (set.kind === "records" ? set.records : []));
  if (records.length > ADDRESSES_MAX) {
    return { resolution: { kind: "unresolved", reason: "too_many_addresses" }, ttlMs: FAILURE_TTL_MS };
  }
  if (records.length > 0) {
    const ttlMs = Math.min(...records.map((record) => record.ttl)) * 1_000;
    return {
      resolution: { kind: "resolved", addresses: records.map((record) => record.address) },
      ttlMs: Math.min(Math.max(ttlMs, ANSWER_TTL_MS_MIN), ANSWER_TTL_MS_MAX),
    };
  }
  // "Not found" is the answer only when both families said so.
  const reasons = [v4, v6].flatMap((set) => (set.kind === "none" ? set.reason : []));
  const reason = reasons.find((each) => each !== "not_found") ?? "not_found";
  return { resolution: { kind: "unresolved", reason }, ttlMs: FAILURE_TTL_MS };
}

async function recordSet(query: Promise<readonly { address: string; ttl: number }[]>): Promise<RecordSet> {
  try {
    return { kind: "records", records: await query };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return { kind: "none", reason: reasonOf(code) };
  }
}

function reasonOf(code: unknown): UnresolvedReason {
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
    case "EBADNAME":
      return "not_found";
    case "ETIMEOUT":
      return "timeout";
    default:
      return "failed";
  }
}
