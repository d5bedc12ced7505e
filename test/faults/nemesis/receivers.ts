/**
 * The receivers of a run: one server that records every request, what it answered, and when. Some requests fail,
 * decided by the seed, the event and how often it came: the same delivery meets the same failures in every run of a
 * seed.
 */

import { hash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { findFreePort, LOOPBACK } from "@posthorn/local-servers";
import { createSeededRandom } from "@posthorn/testkit";

/** A status, or what happened instead of an answer. */
export type HitAnswer = number | "hang" | "reset";

export type Hit = { readonly atMs: number; readonly answer: HitAnswer };

/** All that came under one `webhook-id`. */
export type ReceivedDelivery = {
  readonly path: string;
  /** `number` in the event's data. */
  readonly number: number;
  readonly bodyHash: string;
  readonly hits: readonly Hit[];
  /** Requests whose body or path was not that of the first one. */
  readonly differing: number;
};

export type Receivers = AsyncDisposable & {
  /** Without a path; each webhook gets one of its own. */
  readonly url: string;
  /** By `webhook-id`. */
  readonly received: ReadonlyMap<string, ReceivedDelivery>;
  /** Deliveries answered with 200 so far. */
  readonly delivered: number;
  readonly requests: number;
  /** Between two requests. */
  readonly longestSilenceMs: number;
};

export type ReceiverOptions = {
  readonly seed: number;
  readonly failingShare: number;
  /** Gets a line per request, for whoever looks into a run afterwards. */
  readonly recordPath: string;
};

type Recorded = { path: string; number: number; bodyHash: string; hits: Hit[]; differing: number };

/**
 * One in twenty hangs, and one asks for less: each makes the sender slower, as it should, and a run has to get done.
 */
const FAILURES: readonly HitAnswer[] = [...Array<500>(12).fill(500), ...Array<"reset">(6).fill("reset"), 429, "hang"];

export async function startReceivers(options: ReceiverOptions): Promise<Receivers> {
  const received = new Map<string, Recorded>();
  const lines = createWriteStream(options.recordPath);
  const figures = { delivered: 0, requests: 0, longestSilenceMs: 0, lastAtMs: Date.now() };

  function record(message: IncomingMessage, body: Buffer): HitAnswer {
    const atMs = Date.now();
    figures.requests += 1;
    figures.longestSilenceMs = Math.max(figures.longestSilenceMs, atMs - figures.lastAtMs);
    figures.lastAtMs = atMs;
    const id = String(message.headers["webhook-id"]);
    const path = message.url ?? "";
    const bodyHash = hash("sha256", body, "base64");
    const known = received.get(id);
    const recorded = known ?? { path, number: numberOf(body), bodyHash, hits: [], differing: 0 };
    if (known === undefined) received.set(id, recorded);
    if (recorded.bodyHash !== bodyHash || recorded.path !== path) recorded.differing += 1;
    const answer = answerTo(options, recorded);
    if (answer === 200 && !recorded.hits.some((hit) => hit.answer === 200)) figures.delivered += 1;
    recorded.hits.push({ atMs, answer });
    lines.write(`${JSON.stringify({ at: new Date(atMs).toISOString(), id, path, number: recorded.number, answer })}\n`);
    return answer;
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    carryOut(record(message, Buffer.concat(chunks)), response);
  }

  const server = createServer((message, response) => {
    // Senders that die in the middle are what this is for.
    handle(message, response).catch(() => response.destroy());
  });
  const port = await findFreePort();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });
  return {
    url: `http://${LOOPBACK}:${port}`,
    received,
    get delivered() {
      return figures.delivered;
    },
    get requests() {
      return figures.requests;
    },
    get longestSilenceMs() {
      return figures.longestSilenceMs;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await new Promise<void>((resolve) => lines.end(resolve));
    },
  };
}

function answerTo({ seed, failingShare }: ReceiverOptions, { path, number, hits }: Recorded): HitAnswer {
  const digest = hash("sha256", `${seed} ${path} ${number} ${hits.length}`, "buffer");
  const random = createSeededRandom(digest.readUInt32BE());
  return random.next() < failingShare ? random.pick(FAILURES) : 200;
}

function carryOut(answer: HitAnswer, response: ServerResponse): void {
  switch (answer) {
    case "hang":
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    default:
      response.writeHead(answer, answer === 429 ? { "retry-after": "1" } : {}).end();
  }
}

/** The publisher's own; -1 for a body that is not one of its events. */
function numberOf(body: Buffer): number {
  const event = JSON.parse(body.toString()) as { data?: { number?: unknown } }; // checked below
  return typeof event.data?.number === "number" ? event.data.number : -1;
}
