import { once } from "node:events";
import { createServer } from "node:http";
import { expect, it } from "vitest";
import { untilReplicasCurrent } from "./watch-replicas.ts";

/** A server that answers its health by this list, the last for ever, and counts the looks. */
async function serverThatAnswers(statuses: readonly number[]) {
  let looks = 0;
  const server = createServer((_request, response) => {
    response.writeHead(statuses[Math.min(looks, statuses.length - 1)] ?? 500).end();
    looks += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/healthz`,
    looks: () => looks,
    [Symbol.dispose]: () => server.close(),
  };
}

it("waits until every server has called itself current three times in a row", async () => {
  using steady = await serverThatAnswers([200]);
  using late = await serverThatAnswers([503, 200, 503, 200, 200, 200]);
  expect(await untilReplicasCurrent([steady.url, late.url], new AbortController().signal)).toBe(true);
  expect([steady.looks(), late.looks()]).toEqual([6, 6]);
});

it("waits no longer when it is told to stop", async () => {
  using behind = await serverThatAnswers([503]);
  expect(await untilReplicasCurrent([behind.url], AbortSignal.timeout(100))).toBe(false);
});
