/** A real HTTP server on 127.0.0.1 that records what it gets and answers by a script. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort, LOOPBACK } from "@posthorn/local-servers";
import { trackOpen } from "./leak-guard.ts";
import {
  answerFor,
  findHeader,
  type ReceiverAnswer,
  type ReceiverScript,
  type RecordedRequest,
} from "./receiver-script.ts";
import { waitUntil } from "./wait-until.ts";

export interface Receiver extends AsyncDisposable {
  /** "http://127.0.0.1:<port>" without a path. */
  readonly url: string;
  readonly port: number;
  /** In the order of arrival; a request is added when its body is complete, before it is answered. */
  readonly requests: readonly RecordedRequest[];
  /** From the next request on. Positions in a list go on counting all requests since the start. */
  answerWith(script: ReceiverScript): void;
  /** The first `count` requests. Rejects with how many there were after `timeoutMs` (5,000). */
  waitFor(count: number, timeoutMs?: number): Promise<readonly RecordedRequest[]>;
}

export interface ReceiverOptions {
  /** Answers 200 to everything without one. */
  readonly script?: ReceiverScript;
  /** Any free one without it; for a receiver that comes back after an outage. */
  readonly port?: number;
}

export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  let script: ReceiverScript = options.script ?? [];
  const requests: RecordedRequest[] = [];
  const stopping = new AbortController();

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrivedAtMs = Date.now();
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const request: RecordedRequest = {
      index: requests.length,
      method: message.method ?? "",
      path: message.url ?? "",
      rawHeaders: message.rawHeaders,
      body: Buffer.concat(chunks),
      arrivedAtMs,
      header: (name) => findHeader(message.rawHeaders, name),
    };
    requests.push(request);
    await carryOut(answerFor(script, request), response, stopping.signal);
  }

  const server = createServer((message, response) => {
    // Senders that give up in the middle, and our own end, are no failures of the receiver.
    handle(message, response).catch(() => response.destroy());
  });
  const port = options.port ?? (await findFreePort());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });
  const url = `http://${LOOPBACK}:${port}`;
  const close = trackOpen(`receiver ${url}`);

  return {
    url,
    port,
    requests,
    answerWith: (next) => {
      script = next;
    },
    waitFor: async (count, timeoutMs) => {
      await waitUntil(() => requests.length >= count, {
        describe: () => `${count} requests at ${url}, of which ${requests.length} came`,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      return requests.slice(0, count);
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      close();
    },
  };
}

async function carryOut(answer: ReceiverAnswer, response: ServerResponse, signal: AbortSignal): Promise<void> {
  switch (answer.kind) {
    case "respond":
      if (answer.delayMs !== undefined) await sleep(answer.delayMs, undefined, { signal });
      response.writeHead(answer.status, answer.headers);
      response.end(typeof answer.body === "number" ? Buffer.alloc(answer.body, "x") : answer.body);
      return;
    case "slow-body":
      response.writeHead(answer.status, { "content-length": String(answer.bytes) });
      response.flushHeaders();
      for (let sent = 0; sent < answer.bytes; sent++) {
        response.write("x");
        await sleep(answer.everyMs, undefined, { signal });
      }
      response.end();
      return;
    case "hang":
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
  }
}
