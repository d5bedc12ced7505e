import { createHmac } from "node:crypto";
import { join } from "node:path";
import { createTestFolder } from "@posthorn/testkit";
import { beforeEach, expect, test } from "vitest";
import { openDemoOrganisation, runDemo } from "./demo.ts";
import { type ReceivedDelivery, startDemoReceiver } from "./demo-receiver.ts";
import type { RestCall } from "./rest-client.ts";

const KEY = Buffer.from("a key of at least sixteen bytes");
const secret = `whsec_${KEY.toString("base64")}`;

const { signal } = new AbortController();
let portFile: string;

beforeEach(async () => {
  portFile = join(await createTestFolder("demo"), "receiver-port");
});

interface FakeEngine {
  readonly api: RestCall;
  readonly ingest: RestCall;
  readonly cleanUp: RestCall;
  readonly calls: string[];
}

/** Answers like the real api and ingest, and delivers at once with a signature by `signingKey`. */
function fakeEngine(signingKey: Buffer): FakeEngine {
  const calls: string[] = [];
  let url = "";
  const answer = (status: number, body: unknown) => ({ status, headers: new Headers(), body });
  return {
    calls,
    cleanUp: async (method, path) => {
      calls.push(`${method} ${path}`);
      return answer(204, undefined);
    },
    api: async (method, path, body) => {
      calls.push(`${method} ${path}`);
      if (method === "GET") return answer(200, { items: [], next_cursor: null });
      if (path === "/v1/orgs") return answer(201, { id: "org_1", name: "demo" });
      url = (body as { readonly url: string }).url;
      return answer(201, { id: "wh_1", secret });
    },
    ingest: async (method, path, body) => {
      calls.push(`${method} ${path}`);
      const sent = JSON.stringify(body);
      const timestamp = String(Math.floor(Date.now() / 1_000));
      const signature = createHmac("sha256", signingKey).update(`msg_1.${timestamp}.${sent}`).digest("base64");
      const headers = { "webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
      await fetch(url, { method: "POST", headers, body: sent });
      return answer(202, { id: "evt_1", duplicate: false });
    },
  };
}

test("the demo subscribes, publishes, verifies what arrives, and unsubscribes", async () => {
  const received: ReceivedDelivery[] = [];
  await using receiver = await startDemoReceiver(portFile, (delivery) => received.push(delivery));
  const engine = fakeEngine(KEY);
  const orgId = await openDemoOrganisation(engine.api);
  const result = await runDemo({ ...engine, orgId, receiverUrl: receiver.url, received, signal });
  expect(result).toMatchObject({ kind: "verified" });
  expect(engine.calls).toEqual([
    "GET /v1/orgs?limit=500",
    "POST /v1/orgs",
    "POST /v1/orgs/org_1/webhooks",
    "POST /v1/orgs/org_1/events",
    "DELETE /v1/orgs/org_1/webhooks/wh_1",
  ]);
});

test("a delivery signed with another key is not verified, and the webhook is removed all the same", async () => {
  const received: ReceivedDelivery[] = [];
  await using receiver = await startDemoReceiver(portFile, (delivery) => received.push(delivery));
  const engine = fakeEngine(Buffer.from("some other key of enough bytes"));
  const result = await runDemo({ ...engine, orgId: "org_1", receiverUrl: receiver.url, received, signal });
  expect(result).toMatchObject({ kind: "failed", message: expect.stringContaining("does not fit its secret") });
  expect(engine.calls.at(-1)).toBe("DELETE /v1/orgs/org_1/webhooks/wh_1");
});

test("a demo that is broken off while it waits removes its webhook", async () => {
  const engine = fakeEngine(KEY);
  const abort = new AbortController();
  const ingest: RestCall = async () => {
    abort.abort(new Error("told to stop"));
    return { status: 202, headers: new Headers(), body: {} };
  };
  const options = { ...engine, ingest, orgId: "org_1", receiverUrl: "http://127.0.0.1:1", received: [] };
  await expect(runDemo({ ...options, signal: abort.signal })).rejects.toThrow();
  expect(engine.calls.at(-1)).toBe("DELETE /v1/orgs/org_1/webhooks/wh_1");
});

test("the receiver listens where it did at an earlier start", async () => {
  const first = await startDemoReceiver(portFile, () => {});
  await first[Symbol.asyncDispose]();
  await using second = await startDemoReceiver(portFile, () => {});
  expect(second.url).toBe(first.url);
  await using third = await startDemoReceiver(portFile, () => {});
  expect(third.url).not.toBe(first.url);
});

test("the demo organisation of an earlier start is used again, wherever it is in the list", async () => {
  const pages: Record<string, unknown> = {
    "/v1/orgs?limit=500": { items: [{ id: "org_9", name: "other" }], next_cursor: "a b" },
    "/v1/orgs?limit=500&cursor=a%20b": { items: [{ id: "org_7", name: "demo" }], next_cursor: null },
  };
  const api: RestCall = async (_method, path) => ({ status: 200, headers: new Headers(), body: pages[path] });
  expect(await openDemoOrganisation(api)).toBe("org_7");
});

test("a refusal is told with its status and answer", async () => {
  const api: RestCall = async () => ({ status: 503, headers: new Headers(), body: { title: "down" } });
  await expect(openDemoOrganisation(api)).rejects.toThrow(/listing organisations was answered with 503: .*down/);
});
