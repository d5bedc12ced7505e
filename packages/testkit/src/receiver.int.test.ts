import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { startReceiver } from "./receiver.ts";

test("a request is recorded as it came: method, path, headers in their spelling, bytes, time", async () => {
  await using receiver = await startReceiver();
  const body = Buffer.from([0, 255, 10, 123]);
  const before = Date.now();
  await new Promise((resolve, reject) => {
    const sent = httpRequest(`${receiver.url}/hook?token=a%20b`, { method: "POST", headers: { "X-MiXed": "Case" } });
    sent.on("response", (response) => response.resume().on("end", resolve));
    sent.on("error", reject);
    sent.end(body);
  });
  const [recorded] = await receiver.waitFor(1);
  expect(recorded).toMatchObject({ index: 0, method: "POST", path: "/hook?token=a%20b", body });
  expect(recorded?.rawHeaders).toContain("X-MiXed");
  expect(recorded?.header("x-mixed")).toBe("Case");
  expect(recorded?.arrivedAtMs).toBeGreaterThanOrEqual(before);
});

test("statuses follow the script, headers and big bodies included", async () => {
  await using receiver = await startReceiver({
    script: [503, { kind: "respond", status: 200, headers: { "retry-after": "7" }, body: 100_000 }],
  });
  expect((await fetch(receiver.url)).status).toBe(503);
  const second = await fetch(receiver.url);
  expect([second.status, second.headers.get("retry-after"), (await second.text()).length]).toEqual([200, "7", 100_000]);
  receiver.answerWith([418]);
  expect((await fetch(receiver.url)).status).toBe(418);
});

test("a hanging receiver takes the request and does not answer", async () => {
  await using receiver = await startReceiver({ script: [{ kind: "hang" }] });
  await expect(fetch(receiver.url, { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/);
  expect(receiver.requests).toHaveLength(1);
});

test("a resetting receiver breaks the connection after the request", async () => {
  await using receiver = await startReceiver({ script: [{ kind: "reset" }] });
  await expect(fetch(receiver.url)).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
  expect(receiver.requests).toHaveLength(1);
});

test("a delay holds back the head, a slow body does not", async () => {
  await using receiver = await startReceiver({
    script: [
      { kind: "respond", status: 200, delayMs: 150 },
      { kind: "slow-body", status: 200, bytes: 5, everyMs: 40 },
    ],
  });
  const start = performance.now();
  await fetch(receiver.url);
  const delayed = performance.now();
  const slow = await fetch(receiver.url);
  const headArrived = performance.now();
  expect(await slow.text()).toBe("xxxxx");
  expect(delayed - start).toBeGreaterThanOrEqual(145);
  expect(headArrived - delayed).toBeLessThan(150);
  expect(performance.now() - headArrived).toBeGreaterThanOrEqual(100);
});

test("waiting for requests that do not come says how many did", async () => {
  await using receiver = await startReceiver();
  await fetch(receiver.url);
  await expect(receiver.waitFor(2, 50)).rejects.toThrow(/2 requests at .*, of which 1 came/);
});

test("a receiver can come back on the same port", async () => {
  const first = await startReceiver();
  await first[Symbol.asyncDispose]();
  await expect(fetch(first.url)).rejects.toThrow();
  await using second = await startReceiver({ port: first.port });
  expect((await fetch(second.url)).status).toBe(200);
});
