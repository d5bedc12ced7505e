/**
 * One event per request over 64 connections: by wrk, which costs the machine a few microseconds per request, or by a
 * loop of this process where there is no wrk.
 */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Pool } from "undici";
import { dataOf, eventOf } from "./bench-event.ts";

export const CONNECTIONS = 64;
const SCRIPT = fileURLToPath(new URL("publish.lua", import.meta.url));

export type SingleRequests = {
  /** Of ingest, or of a receiver that takes anything. */
  readonly url: string;
  readonly key: string;
  readonly forMs: number;
  /** Gives each event a caller's id that begins with this. */
  readonly idPrefix?: string;
};

export type RequestsMade = {
  /** Answered with success. */
  readonly accepted: number;
  readonly perSecond: number;
  /** From the request to its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/** What load/publish.lua prints. */
type WrkSummary = Readonly<Record<"requests" | "tookUs" | "refused" | "failed" | "p50Us" | "p99Us", number>>;

/** Throws when a request was refused or failed. */
export function makeSingleRequests(wrk: string | undefined, requests: SingleRequests): Promise<RequestsMade> {
  return wrk === undefined ? makeByLoop(requests) : makeByWrk(wrk, requests);
}

async function makeByWrk(wrk: string, { url, key, forMs, idPrefix }: SingleRequests): Promise<RequestsMade> {
  const seconds = Math.max(1, Math.round(forMs / 1_000));
  const load = ["-t", "1", "-c", String(CONNECTIONS), "-d", `${seconds}s`, "-s", SCRIPT, url];
  const args = ["--", key, dataOf(), ...(idPrefix === undefined ? [] : [idPrefix])];
  const { stdout } = await promisify(execFile)(wrk, [...load, ...args]);
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`wrk printed no summary: ${stdout}`);
  const made: WrkSummary = JSON.parse(line);
  if (made.refused + made.failed > 0) throw new Error(`${made.refused} requests were refused, ${made.failed} failed`);
  return {
    accepted: made.requests,
    perSecond: (made.requests * 1_000_000) / made.tookUs,
    p50Ms: made.p50Us / 1_000,
    p99Ms: made.p99Us / 1_000,
  };
}

async function makeByLoop({ url, key, forMs, idPrefix }: SingleRequests): Promise<RequestsMade> {
  const { origin, pathname } = new URL(url);
  await using pool = disposable(new Pool(origin, { connections: CONNECTIONS }));
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const data = dataOf();
  const same = Buffer.from(eventOf(data));
  const startedMs = performance.now();
  const times: number[] = [];
  let sent = 0;
  const loop = async () => {
    while (performance.now() - startedMs < forMs) {
      sent += 1;
      const body = idPrefix === undefined ? same : eventOf(data, `${idPrefix}${sent}`);
      const sentMs = performance.now();
      const answer = await pool.request({ path: pathname, method: "POST", headers, body });
      await answer.body.dump();
      if (answer.statusCode >= 300) throw new Error(`a request was refused with ${answer.statusCode}`);
      times.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, loop));
  const tookMs = performance.now() - startedMs;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { accepted: times.length, perSecond: (times.length * 1_000) / tookMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function disposable(pool: Pool): Pool & AsyncDisposable {
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.close() });
}
