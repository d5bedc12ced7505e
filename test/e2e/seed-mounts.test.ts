/** The seed systems as their users know them: their own calls on the mounts, and what then reaches their receivers. */

import { type Receiver, type RecordedRequest, startReceiver, waitUntil } from "@posthorn/testkit";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RestCall, restClient } from "../../deploy/local/rest-client.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";
import { verifiesBody, verifiesNextmv } from "./receivers/seed-signatures.ts";

const ARRIVAL_MS_MAX = 10_000;

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;

beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "mounts");
});
afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver[Symbol.asyncDispose]();
});

/** Calls under one path, as a client does whose base URL was changed. */
function under(path: string): RestCall {
  return restClient(stack.stack.apiUrl + path, tenant.key);
}

async function request(number: number): Promise<RecordedRequest> {
  const requests = await receiver.waitFor(number, ARRIVAL_MS_MAX);
  const last = requests[number - 1];
  if (last === undefined) throw new Error("the receiver has lost a request");
  return last;
}

function verifiesStandard({ body, header }: RecordedRequest, secret: string): boolean {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  const headers = Object.fromEntries(names.map((name) => [name, header(name) ?? ""]));
  try {
    new StandardWebhook(secret).verify(body.toString(), headers);
    return true;
  } catch {
    return false;
  }
}

describe("Znyx", () => {
  type ZnyxWebhook = { readonly id: string; readonly has_secret: boolean; readonly secret?: string };
  let znyx: RestCall;
  beforeAll(() => {
    znyx = under(`/compat/znyx/v1/orgs/${tenant.orgId}/webhooks`);
  });

  async function create(events: readonly string[], generate_secret: boolean): Promise<ZnyxWebhook> {
    return expectAnswer<ZnyxWebhook>(await znyx("POST", "", { url: receiver.url, events, generate_secret }), 201);
  }

  it("delivers what its receivers verify, and a rotated secret from the next request on", async () => {
    const { id, secret: first = "" } = await create(["bundle.activated"], true);
    await tenant.publish({ type: "bundle.activated", data: { bundle: "b-1", notes: "café, 日本" } });
    const before = await request(1);
    expect(verifiesBody(before, "X-Webhook-Signature", first)).toBe(true);
    expect(JSON.parse(before.body.toString())).toMatchObject({ event: "bundle.activated", data: { bundle: "b-1" } });
    const { secret: second } = expectAnswer<{ secret: string }>(await znyx("POST", `/${id}/rotate-secret`), 200);
    await tenant.publish({ type: "bundle.activated", data: {} });
    const after = await request(2);
    expect(verifiesBody(after, "X-Webhook-Signature", second)).toBe(true);
    expect(verifiesBody(after, "X-Webhook-Signature", first)).toBe(false);
    expect([first, second].map((secret) => verifiesStandard(after, secret))).toEqual([true, true]);
    await znyx("DELETE", `/${id}`);
  });

  it("sends no signature of its own to a webhook without a secret", async () => {
    const { id, has_secret } = await create(["bundle.promoted"], false);
    expect(has_secret).toBe(false);
    await tenant.publish({ type: "bundle.promoted", data: {} });
    const unsigned = await request(1);
    expect(unsigned.header("x-webhook-signature")).toBeUndefined();
    expect(unsigned.header("webhook-signature")).toMatch(/^v1,/);
    const { secret } = expectAnswer<{ secret: string }>(await znyx("POST", `/${id}/rotate-secret`), 200);
    await tenant.publish({ type: "bundle.promoted", data: {} });
    expect(verifiesBody(await request(2), "X-Webhook-Signature", secret)).toBe(true);
  });

  it("tells in a test what the target answered, and keeps it in history", async () => {
    const { id, secret = "" } = await create(["evaluation.blocked"], true);
    const tested = expectAnswer<{ delivery_id: string }>(await znyx("POST", `/${id}/test`), 200);
    expect(tested).toEqual({
      ...{ success: true, status_code: 200, error: null },
      ...{ duration_ms: expect.any(Number), delivery_id: expect.any(String) },
    });
    expect(verifiesBody(await request(1), "X-Webhook-Signature", secret)).toBe(true);
    await tenant.settled(tested.delivery_id, ["delivered"]);
    receiver.answerWith([503]);
    const failed = expectAnswer<object>(await znyx("POST", `/${id}/test`, {}), 200);
    expect(failed).toMatchObject({ success: false, status_code: 503, error: expect.stringContaining("503") });
    await receiver[Symbol.asyncDispose]();
    const unreached = expectAnswer<object>(await znyx("POST", `/${id}/test`), 200);
    expect(unreached).toMatchObject({ success: false, status_code: null, error: expect.any(String) });
  });

  it("has its changes in the audit", async () => {
    const { id } = await create(["policy.updated"], false);
    await znyx("DELETE", `/${id}`);
    const actions = await waitUntil(
      async () => {
        const answer = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/audit?limit=500`);
        const { items } = expectAnswer<{ items: { subject_id: string; action: string }[] }>(answer, 200);
        const own = items.filter((entry) => entry.subject_id === id).map((entry) => entry.action);
        return own.length === 2 ? own : undefined;
      },
      { timeoutMs: ARRIVAL_MS_MAX, describe: "the audit of the webhook" },
    );
    expect(actions).toEqual(["znyxDeleteWebhook", "znyxCreateWebhook"]);
  });
});

describe("Nextmv", () => {
  type Conversation = {
    readonly id: string;
    readonly successful: boolean;
    readonly request: { readonly body: string; readonly headers: Readonly<Record<string, string>> };
    readonly response: { readonly status_code: number; readonly body: string } | null;
  };
  let nextmv: RestCall;
  beforeAll(() => {
    nextmv = under("/compat/nextmv/v1/webhooks");
  });

  async function create(id: string): Promise<string> {
    const description = "From the quick start";
    const body = { id, event_types: ["run.status"], endpoint_url: `${receiver.url}/webhookhandler`, description };
    expectAnswer(await nextmv("POST", "", body), 201);
    return expectAnswer<{ secret: string }>(await nextmv("GET", `/${id}/secret`), 200).secret;
  }

  async function conversations(id: string, count: number): Promise<readonly Conversation[]> {
    return waitUntil(
      async () => {
        const listed = expectAnswer<Conversation[]>(await nextmv("GET", `/${id}/conversations`), 200);
        return listed.length >= count ? listed : undefined;
      },
      { timeoutMs: ARRIVAL_MS_MAX, describe: `${count} conversations of ${id}` },
    );
  }

  it("delivers data as published, verified with the secret that can be asked for, and tells the conversation", async () => {
    receiver.answerWith([{ kind: "respond", status: 200, body: '{"message":"Webhook received"}' }]);
    const secret = await create("runs");
    const data = { run_id: "run-1", status: "succeeded" };
    await tenant.publish({ type: "run.status", data });
    const sent = await request(1);
    expect(verifiesNextmv(sent, secret)).toBe(true);
    expect(verifiesNextmv(sent, `${secret}x`)).toBe(false);
    expect(JSON.parse(sent.body.toString())).toEqual(data);
    const [conversation] = await conversations("runs", 1);
    expect(conversation).toMatchObject({
      successful: true,
      request: { url: `${receiver.url}/webhookhandler`, body: JSON.stringify(data) },
      response: { status_code: 200, body: '{"message":"Webhook received"}' },
    });
    expect(conversation?.request.headers["nextmv-signature"]).toBe(sent.header("nextmv-signature"));
    const one = await nextmv("GET", `/runs/conversations/${conversation?.id}`);
    expect(expectAnswer(one, 200)).toEqual(conversation);
    expectAnswer(await nextmv("DELETE", "/runs"), 204);
  });

  it("triggers a request that is a conversation at once and in the list", async () => {
    receiver.answerWith([{ kind: "respond", status: 401, body: "Unauthorized: Invalid signature" }, 200]);
    const secret = await create("triggered");
    const data = { run_id: "run-2", status: "failed" };
    const refused = expectAnswer<Conversation>(await nextmv("POST", "/triggered/trigger", { data }), 200);
    expect(refused).toMatchObject({
      ...{ successful: false, event_type: "run.status", webhook_id: "triggered" },
      response: { status_code: 401, body: "Unauthorized: Invalid signature" },
    });
    const accepted = expectAnswer<Conversation>(await nextmv("POST", "/triggered/trigger"), 200);
    expect(accepted).toMatchObject({ successful: true, response: { status_code: 200 } });
    const [first, second] = [await request(1), await request(2)];
    expect(JSON.parse(first.body.toString())).toEqual(data);
    expect([first, second].map((one) => verifiesNextmv(one, secret))).toEqual([true, true]);
    expect(await conversations("triggered", 2)).toEqual([accepted, refused]);
  });
});

describe("MUTX", () => {
  type MutxDelivery = { readonly id: string; readonly event: string; readonly success: boolean };
  let mutx: RestCall;
  beforeAll(() => {
    mutx = under("/compat/mutx/v1/webhooks");
  });

  it("runs its quick start: create, list, test, update, deliveries filtered by event and success, retry", async () => {
    const secret = "a-secret-of-mutx";
    const order = { url: receiver.url, events: ["agent.*", "deployment.*"], secret };
    const { id } = expectAnswer<{ id: string }>(await mutx("POST", "/", order), 201);
    for (const path of ["", "/"]) {
      const { items } = expectAnswer<{ items: { id: string; secret: null }[] }>(await mutx("GET", path), 200);
      expect(items).toEqual([expect.objectContaining({ id, secret: null, has_secret: true, is_active: true })]);
    }
    expect(expectAnswer(await mutx("POST", `/${id}/test`), 200)).toMatchObject({ status: "test_delivered" });
    expect(verifiesBody(await request(1), "X-Webhook-Signature", secret)).toBe(true);

    const update = { events: ["agent.*"], name: "Agents" };
    expect(expectAnswer(await mutx("PATCH", `/${id}`, update), 200)).toMatchObject(update);
    receiver.answerWith((sent) => (sent.header("x-webhook-event") === "agent.error" ? 500 : 200));
    await tenant.publish({ type: "deployment.created", data: {} });
    await tenant.publish({ type: "agent.status", data: { agent_id: "a-1", load: 0.5 } });
    await request(2);
    await tenant.publish({ type: "agent.error", data: {} });
    await request(3);

    const deliveries = async (query: string, count: number) =>
      waitUntil(
        async () => {
          const answer = await mutx("GET", `/${id}/deliveries?${query}`);
          const { items } = expectAnswer<{ items: MutxDelivery[] }>(answer, 200);
          return items.length === count && items.every(({ event }) => event !== "") ? items : undefined;
        },
        { timeoutMs: ARRIVAL_MS_MAX, describe: `${count} deliveries of ${query}` },
      );
    expect((await deliveries("event=agent.status&success=true", 1))[0]).toMatchObject({
      status_code: 200,
      attempts: 1,
    });
    const [failed] = await deliveries("success=false&event=agent.error", 1);
    expect((await deliveries("success=true", 2)).map(({ event }) => event)).toEqual(["agent.status", "test"]);

    receiver.answerWith([200]);
    await tenant.settled(failed?.id ?? "", ["scheduled"]);
    const retried = expectAnswer(await mutx("POST", "/retry", { delivery_id: failed?.id }), 200);
    expect(retried).toMatchObject({ status: "retry_delivered", original_delivery_id: failed?.id });
    for (const sent of receiver.requests) {
      expect(verifiesBody(sent, "X-Webhook-Signature", secret)).toBe(true);
      // Its Express sample signs what it has parsed and written again.
      expect(JSON.stringify(JSON.parse(sent.body.toString()))).toBe(sent.body.toString());
    }
    expectAnswer(await mutx("DELETE", `/${id}`), 204);
    expect(expectAnswer(await mutx("GET", `/${id}`), 404)).toEqual({ detail: "Webhook not found" });
  });
});
