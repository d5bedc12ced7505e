/**
 * The yardstick: one process that signs and POSTs as fast as undici can over 64 keep-alive connections, to the same
 * receiver with the same body. Run as a program: bare-loop.ts URL SECONDS BODY_BYTES; prints posts per second.
 */

import { createHmac, createSecretKey } from "node:crypto";
import { Agent } from "undici";

const CONNECTIONS = 64;
/** A key object: with bytes for a key the same HMAC costs ten times as much, and the ratio would flatter us. */
const KEY = createSecretKey(Buffer.alloc(32, 7));

const [url = "", seconds = "3", bodyBytes = "1024"] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const body = Buffer.from(JSON.stringify({ type: "bench.event", data: "x".repeat(Number(bodyBytes) - 40) }));
const agent = new Agent({ connections: CONNECTIONS, pipelining: 1 });
const endMs = performance.now() + Number(seconds) * 1_000;
let posts = 0;

async function loop(): Promise<void> {
  while (performance.now() < endMs) {
    const timestamp = Math.floor(Date.now() / 1_000);
    const id = `bench-${posts}`;
    const signature = createHmac("sha256", KEY).update(`${id}.${timestamp}.`).update(body).digest("base64");
    const { statusCode, body: answer } = await agent.request({
      origin,
      path: pathname,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": `v1,${signature}`,
      },
      body,
    });
    await answer.dump();
    if (statusCode !== 200) throw new Error(`the receiver answered ${statusCode}`);
    posts += 1;
  }
}

const startMs = performance.now();
await Promise.all(Array.from({ length: CONNECTIONS }, loop));
process.stdout.write(`${(posts * 1_000) / (performance.now() - startMs)}\n`);
await agent.close();
