/**
 * The yardstick: one process that signs and POSTs as fast as undici's `request` can over 64 keep-alive connections, to
 * the same receiver with the same body. Run as a program: bare-loop.ts URL SECONDS BODY_BYTES KEY; prints posts per
 * second. KEY is `bytes`, as a sender has it after decoding a secret, or `object`, a key prepared once: with it Node
 * signs in a tenth of the time, and the loop is a harder yardstick.
 */

import { createHmac, createSecretKey } from "node:crypto";
import { Agent } from "undici";

const CONNECTIONS = 64;
const KEY_BYTES = Buffer.alloc(32, 7);

const [url = "", seconds = "3", bodyBytes = "1024", keyKind = "bytes"] = process.argv.slice(2);
const key = keyKind === "object" ? createSecretKey(KEY_BYTES) : KEY_BYTES;
const { origin, pathname } = new URL(url);
const body = Buffer.from(JSON.stringify({ type: "bench.event", data: "x".repeat(Number(bodyBytes) - 40) }));
const agent = new Agent({ connections: CONNECTIONS, pipelining: 1 });
const endMs = performance.now() + Number(seconds) * 1_000;
let posts = 0;

async function loop(): Promise<void> {
  while (performance.now() < endMs) {
    const timestamp = Math.floor(Date.now() / 1_000);
    const id = `bench-${posts}`;
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
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
