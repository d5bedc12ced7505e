/** Test sends: with a real dispatcher and a real receiver, and with a dispatcher that refuses or does not answer. */

import {
  DispatchServiceService,
  decodeEventGroup,
  type SendTestRequest,
  type SendTestResponse,
} from "@posthorn/contracts";
import { messageAt, streamPosition } from "@posthorn/message-bus";
import {
  createHealth,
  GrpcStatus,
  openShell,
  type RpcResult,
  startGrpcServer,
  unaryHandler,
} from "@posthorn/service-runtime";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { findFreePort, startProcess, type TestProcess } from "./process.fixture.ts";
import { testWebhookRoute } from "./schemas/test-webhook.ts";
import { createWebhookRoute, deleteWebhookRoute, updateWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let dispatcher: TestProcess;
let api: TestApi;
let tenant: Tenant;
let receiver: Receiver;

beforeAll(async () => {
  backend = await startTestBackend();
  // A dispatcher waits for a complete bucket, which only an api makes.
  const first = await startTestApi(backend);
  const port = await findFreePort();
  dispatcher = startProcess("dispatcher", {
    POSTHORN_DISPATCHER_GRPC_PORT: String(port),
    NATS_URL: backend.nats.url,
    POSTHORN_SIGNER_TARGET: backend.env.POSTHORN_SIGNER_TARGET ?? "",
    POSTHORN_PROJECTOR_TARGET: "127.0.0.1:9",
    POSTHORN_ALLOW_HTTP: "true",
    POSTHORN_ALLOWED_TARGETS: "127.0.0.0/8",
  });
  await first[Symbol.asyncDispose]();
  api = await startTestApi(backend, { POSTHORN_DISPATCHER_TARGET: `127.0.0.1:${port}` });
  await waitUntil(async () => (await readiness()).dispatcher?.status === "up", {
    describe: "the dispatcher",
    timeoutMs: 15_000,
  });
  receiver = await startReceiver();
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await dispatcher[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (webhook?: string) => ({ org: tenant.org, ...(webhook === undefined ? {} : { webhook }) });

async function create(changes: Readonly<Record<string, unknown>> = {}) {
  const body = { ...WEBHOOK, url: `${receiver.url}/hook?token=canary`, ...changes };
  return (await api.call(createWebhookRoute, { path: path(), body })).body;
}

async function send(webhook: string, body: object = {}) {
  return (await api.call(testWebhookRoute, { path: path(webhook), key: tenant.keys.ci, body })).body;
}

/** The request that carried the delivery, as the receiver got it. */
function received(delivery: string) {
  const request = receiver.requests.find((candidate) => candidate.header("webhook-id") === delivery);
  if (request === undefined) throw new Error("the receiver got no such delivery");
  return request;
}

describe("a test send", () => {
  it("answers with the delivery, its attempt, what was sent and what came back", async () => {
    receiver.answerWith(() => ({ kind: "respond", status: 202, headers: { "X-Answer": "yes" }, body: "thanks" }));
    const { id } = await create();
    const sent = await send(id);
    const request = received(sent.id);
    const sentBody = request.body.toString();
    expect(JSON.parse(sentBody)).toMatchObject({ type: "test", data: { message: expect.any(String) } });
    expect(request.path).toBe("/hook?token=canary");
    expect(sent).toMatchObject({
      webhook_id: id,
      event_type: "test",
      status: "delivered",
      success: true,
      test: true,
      attempt_count: 1,
      last_status_code: 202,
      replay_of: null,
      next_attempt_at: null,
      completed_at: expect.any(String),
      attempts: [
        {
          number: 1,
          outcome: "succeeded",
          status_code: 202,
          request: { url: `${receiver.url}/hook?token=***`, body: sentBody },
          response: { status: 202, headers: { "x-answer": "yes" }, body: "thanks", truncated: false },
        },
      ],
    });
  });

  it("sends the type and the data that were asked for, in the webhook's profile", async () => {
    receiver.answerWith([200]);
    const { id } = await create({ profile: "myop" });
    const { id: delivery, event_type } = await send(id, { type: "components.deployed", data: [1, null, "ü"] });
    expect(event_type).toBe("components.deployed");
    const request = received(delivery);
    expect(request.header("X-Myop-Event")).toBe("components.deployed");
    expect(JSON.parse(request.body.toString())).toMatchObject({ event: "components.deployed", data: [1, null, "ü"] });
  });

  it("shows the token and the custom headers masked, which the receiver gets whole", async () => {
    receiver.answerWith([204]);
    const profile = {
      profile: "github-dispatch",
      profile_options: { token: "ghp_canary", event_type_prefix: "myop-" },
    };
    const { id } = await create({ ...profile, headers: { "X-Own": "canary ü" } });
    const { text, body } = await api.call(testWebhookRoute, { path: path(id), body: { type: "components.deployed" } });
    const request = received(body.id);
    expect(request.header("authorization")).toBe("Bearer ghp_canary");
    expect(Buffer.from(request.header("x-own") ?? "", "latin1").toString("latin1")).toBe("canary ü");
    expect(JSON.parse(request.body.toString())).toMatchObject({ event_type: "myop-components-deployed" });
    expect(text).not.toContain("canary");
    expect(body.attempts[0]?.request?.headers).toMatchObject({ authorization: "***", "x-own": "***" });
  });

  it("that fails says why, and has ended", async () => {
    receiver.answerWith(() => ({ kind: "respond", status: 500, body: "no" }));
    const { id } = await create({ retry_schedule_s: [1, 1, 1] });
    const sent = await send(id);
    expect(sent).toMatchObject({
      status: "exhausted",
      success: false,
      last_status_code: 500,
      last_error_class: "status",
      next_attempt_at: null,
      attempts: [{ outcome: "failed", status_code: 500, error_class: "status", response: { body: "no" } }],
    });
    const nobody = await create({ url: "http://127.0.0.1:9/" });
    expect(await send(nobody.id)).toMatchObject({
      success: false,
      last_error_class: "connect",
      attempts: [{ status_code: null, error_class: "connect", response: null }],
    });
  });

  it("takes no body for the defaults, and goes to a paused webhook too", async () => {
    receiver.answerWith([200]);
    const { id } = await create({ is_active: false });
    const { body } = await api.call(testWebhookRoute, { path: path(id) });
    expect(body).toMatchObject({ status: "delivered", event_type: "test" });
  });

  it("is made under the configuration that was answered before it", async () => {
    receiver.answerWith([200]);
    const { id } = await create({ url: "http://127.0.0.1:9/" });
    for (const round of [1, 2, 3, 4, 5]) {
      await api.call(updateWebhookRoute, { path: path(id), body: { url: `${receiver.url}/${round}` } });
      expect(received((await send(id)).id).path).toBe(`/${round}`);
    }
  });

  it("keeps its event where all events are, for no other webhook", async () => {
    receiver.answerWith([200]);
    const { id } = await create();
    const { event_id } = await send(id, { data: { kept: true } });
    const { lastSequence } = await streamPosition(backend.connection, "INGEST");
    const message = await messageAt(backend.connection, "INGEST", lastSequence);
    const group = decodeEventGroup(message?.data ?? new Uint8Array());
    expect(group).toMatchObject({ kind: "decoded", value: [{ id: event_id, type: "test", forWebhook: id }] });
  });

  it.each([
    [{ type: "agent.*" }, "/type"],
    [{ type: "posthorn.webhook.disabled" }, "/type"],
    [{ type: 7 }, "/type"],
    [{ payload: {} }, "/payload"],
  ])("refuses %j", async (body, at) => {
    const { id } = await create();
    const { problem } = await api.call(testWebhookRoute, { path: path(id), body });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: at }] });
  });

  it("goes to no deleted webhook", async () => {
    const { id } = await create();
    await api.call(deleteWebhookRoute, { path: path(id) });
    expect((await api.call(testWebhookRoute, { path: path(id) })).problem.status).toBe(404);
  });

  it("checks the URL by the rules of today", async () => {
    const { id } = await create();
    const before = receiver.requests.length;
    await using strict = await startTestApi(backend, { POSTHORN_ALLOWED_TARGETS: "", POSTHORN_ALLOW_HTTP: "true" });
    const { problem } = await strict.call(testWebhookRoute, { path: path(id) });
    const message = "url must point to a host on the public internet";
    expect(problem).toMatchObject({ status: 422, errors: [{ path: "/url", message }] });
    expect(receiver.requests).toHaveLength(before);
  });
});

type Answer = (request: SendTestRequest) => Promise<RpcResult<SendTestResponse>>;

/** A dispatcher that answers as told, and an api that asks it. */
async function startAnswering(answer: Answer) {
  await using stack = new AsyncDisposableStack();
  const config = { host: "127.0.0.1", httpPort: 0, logLevel: "silent", leash: "none" } as const;
  const stopping = new AbortController();
  const { shell } = stack.use(await openShell({ name: "dispatcher", config, env: {}, stopping: stopping.signal }));
  const sendTest = unaryHandler<SendTestRequest, SendTestResponse>(shell.log, answer);
  const services = [{ definition: DispatchServiceService, implementation: { sendTest } }];
  const { log } = shell;
  const server = stack.use(
    await startGrpcServer({ host: config.host, port: 0, services, health: createHealth(), log }),
  );
  const asking = stack.use(await startTestApi(backend, { POSTHORN_DISPATCHER_TARGET: `127.0.0.1:${server.port}` }));
  const owned = stack.move();
  return { ...asking, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe("a test send that a dispatcher does not make", () => {
  it.each([
    ["webhook_deleted", 404, "about:blank"],
    ["webhook_unknown", 503, "dependency-down"],
    ["unsignable", 409, "unsignable"],
    ["busy", 503, "dependency-down"],
    ["stopping", 503, "dependency-down"],
  ])("because it is %s is answered with %i", async (refusal, status, type) => {
    await using asking = await startAnswering(async () => ({ kind: "response", response: { events: [], refusal } }));
    const { id } = await create();
    const { problem } = await asking.call(testWebhookRoute, { path: path(id) });
    expect(problem.status).toBe(status);
    expect(problem.type).toContain(type);
  });

  it("or only perhaps, because its answer was lost, says so", async () => {
    await using asking = await startAnswering(async () => ({
      kind: "refusal",
      code: GrpcStatus.UNAVAILABLE,
      detail: "it is gone",
    }));
    const { id } = await create();
    const { problem } = await asking.call(testWebhookRoute, { path: path(id) });
    expect(problem.status).toBe(503);
    expect(problem.type).toContain("perhaps-sent");
  });

  it("because there is none says that nothing was sent", async () => {
    await using alone = await startTestApi(backend);
    const { id } = await create();
    const { problem } = await alone.call(testWebhookRoute, { path: path(id) });
    expect(problem).toMatchObject({
      status: 503,
      detail: "The dispatcher does not answer. Nothing was changed; try again.",
    });
  });
});

it("a dispatcher that is there is named in readiness, and is not needed for it", async () => {
  expect((await readiness()).dispatcher).toEqual({ status: "up" });
  await using alone = await startTestApi(backend);
  const isReady = async () => (await fetch(`${alone.url}/readyz`)).status === 200;
  await waitUntil(isReady, { describe: "readiness without a dispatcher" });
});

async function readiness() {
  const report = (await (await fetch(`${api.url}/readyz`)).json()) as {
    readonly dependencies: Readonly<Record<string, { readonly status: string }>>;
  };
  return report.dependencies;
}
