/**
 * The receivers that the seed systems document in Node, word for word where that matters: Myop verifies the raw body,
 * MUTX re-serialises the parsed one. Each answers 200 to what verifies and 401 to what does not.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";

export type SeedReceivers = AsyncDisposable & { readonly url: string };

/** @param secrets by path, read at each request: they are known only once the webhooks exist. */
export async function startSeedReceivers(secrets: ReadonlyMap<string, string>): Promise<SeedReceivers> {
  const app = express();
  app.post("/myop", express.raw({ type: "application/json" }), (request, response) => {
    const signature = request.headers["x-myop-signature"];
    if (!verifyRaw(request.body, String(signature), secrets.get("/myop") ?? "")) {
      response.status(401).send("Invalid signature");
      return;
    }
    response.sendStatus(200);
  });
  app.post("/mutx", express.json(), (request, response) => {
    const signature = request.headers["x-webhook-signature"];
    if (!verifyRaw(JSON.stringify(request.body), String(signature), secrets.get("/mutx") ?? "")) {
      response.status(401).json({ error: "Invalid signature" });
      return;
    }
    response.status(200).json({ received: true });
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a TCP server has no other kind of address
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function verifyRaw(body: Buffer | string, signature: string, secret: string): boolean {
  const expected = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}
