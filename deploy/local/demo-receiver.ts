/**
 * A receiver built into `npm start`: it takes the demo delivery, and afterwards whatever webhooks point at it, so that
 * a first event can be seen to arrive without another program.
 */

import { createServer, type IncomingMessage } from "node:http";
import { findFreePort, isPortFree, LOOPBACK } from "@posthorn/local-servers";
import { keep } from "./kept-secrets.ts";
import type { SignedDelivery } from "./standard-signature.ts";

/** More than any event can be; whoever sends more is cut off. */
const BODY_BYTES_MAX = 1024 * 1024;

export interface ReceivedDelivery extends SignedDelivery {
  /** "/demo/4f1c". */
  readonly path: string;
  readonly body: Buffer;
}

export interface DemoReceiver extends AsyncDisposable {
  readonly url: string;
}

/**
 * Answers 200 to every POST and hands each to `receive`. Takes the port that an earlier start noted in the file, so that
 * webhooks of that time arrive again.
 */
export async function startDemoReceiver(
  portFile: string,
  receive: (delivery: ReceivedDelivery) => void,
): Promise<DemoReceiver> {
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        response.writeHead(request.method === "POST" ? 200 : 405).end();
        if (request.method === "POST") receive(toDelivery(request, body));
      },
      () => response.destroy(),
    );
  });
  const port = await rememberedPort(portFile);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });
  return {
    url: `http://${LOOPBACK}:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function rememberedPort(portFile: string): Promise<number> {
  const fresh = await findFreePort();
  const remembered = Number(keep(portFile, () => String(fresh)));
  return (await isPortFree(remembered)) ? remembered : fresh;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bodyBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bodyBytes += chunk.length;
    if (bodyBytes > BODY_BYTES_MAX) throw new Error("the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toDelivery(request: IncomingMessage, body: Buffer): ReceivedDelivery {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(" ") : value;
  };
  return {
    path: request.url ?? "",
    id: header("webhook-id"),
    timestamp: header("webhook-timestamp"),
    signature: header("webhook-signature"),
    body,
  };
}
