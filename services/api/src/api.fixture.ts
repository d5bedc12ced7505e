/**
 * The api on real servers, and a client that holds every answer against the description of the API that is served. For
 * tests only.
 */

import { type OpenDatabase, openDatabase, serviceUrl } from "@posthorn/database";
import { BusConnection, ensureStreams, Publisher, STREAM_BYTES_MAX_DEFAULT } from "@posthorn/message-bus";
import { openShell, readSettings } from "@posthorn/service-runtime";
import { createTestDatabase, startTestNats, type TestNats, testRolePasswords } from "@posthorn/testkit";
import { expect } from "vitest";
import type { z } from "zod";
import { settings } from "./config.ts";
import { type CheckAnswer, documentedAnswers } from "./documented-answers.fixture.ts";
import { startTestSigner, type TestProcess } from "./process.fixture.ts";
import { createApiKeyRoute } from "./schemas/api-key.ts";
import { createOrganisationRoute } from "./schemas/organisation.ts";
import { problem } from "./schemas/problem.ts";
import type { Route } from "./schemas/route.ts";
import { startApi } from "./service.ts";

export const ROOT_KEY = "the-root-key-of-the-tests";

/** Everything an api needs, and a look behind it. */
export interface TestBackend extends AsyncDisposable {
  readonly nats: TestNats;
  readonly signer: TestProcess;
  /** The owner's view of the database. */
  readonly database: OpenDatabase;
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  /** The environment of an api. */
  readonly env: Readonly<Record<string, string>>;
}

export async function startTestBackend(): Promise<TestBackend> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startTestNats());
  const signer = stack.use(await startTestSigner());
  const testDatabase = stack.use(await createTestDatabase());
  const database = stack.use(openDatabase(testDatabase.url, { poolMax: 4, applicationName: "test" }));
  const connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
  const publisher = stack.use(new Publisher(connection));
  await ensureStreams(connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
  const env = {
    NATS_URL: nats.url,
    DATABASE_URL: serviceUrl(testDatabase.url, "api", testRolePasswords.api),
    POSTHORN_API_PORT: "0",
    POSTHORN_SIGNER_TARGET: signer.target,
    // Nobody: what needs a dispatcher brings one.
    POSTHORN_DISPATCHER_TARGET: "127.0.0.1:9",
    POSTHORN_ADMIN_KEY: ROOT_KEY,
    POSTHORN_ALLOW_HTTP: "true",
    POSTHORN_ALLOWED_TARGETS: "127.0.0.0/8",
    POSTHORN_LOG_LEVEL: "silent",
  };
  const owned = stack.move();
  return { nats, signer, database, connection, publisher, env, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly call: Call;
  metrics(): Promise<string>;
}

/** An api in this process. */
export async function startTestApi(backend: TestBackend, env: Readonly<Record<string, string>> = {}): Promise<TestApi> {
  await using stack = new AsyncDisposableStack();
  const config = readSettings({ ...backend.env, ...env }, settings);
  const stopping = new AbortController();
  const { shell, control } = stack.use(await openShell({ name: "api", config, env: {}, stopping: stopping.signal }));
  const api = stack.use(await startApi(config, shell));
  control.started();
  const url = `http://127.0.0.1:${api.port}`;
  const owned = stack.move();
  return {
    url,
    call: clientOf(url),
    metrics: () => shell.metrics.expose(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export type CallOptions = {
  /** The parameters of the path. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly bytes?: string | Buffer;
  /** The root key when absent; null sends none. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Called<R extends Route> = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a success, as its schema has it; asking for it after a refusal throws. */
  readonly body: R["success"]["body"] extends z.ZodType ? z.output<R["success"]["body"]> : undefined;
  /** Of a refusal; asking for it after a success throws. */
  readonly problem: z.output<typeof problem>;
};

export type Call = <R extends Route>(route: R, options?: CallOptions) => Promise<Called<R>>;

export function clientOf(url: string): Call {
  // Fetched with the first answer, because some apis are there before they can answer.
  let check: CheckAnswer | undefined;
  return async <R extends Route>(route: R, options: CallOptions = {}) => {
    const { key = ROOT_KEY, body } = options;
    const bytes = options.bytes ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(url + pathOf(route, options), {
      method: route.method,
      headers: {
        ...(bytes === undefined ? {} : { "content-type": "application/json" }),
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...options.headers,
      },
      ...(bytes === undefined ? {} : { body: bytes }),
    });
    const text = await response.text();
    const { status, headers } = response;
    check ??= await documentedAnswers(url);
    check(route, { status, headers, text });
    const checked =
      status < 300 ? { body: successBody(route, { status, headers, text }) } : { problem: refusal(headers, text) };
    return strict({ status, headers, text, ...checked }) as unknown as Called<R>;
  };
}

function successBody(route: Route, { status, headers, text }: Pick<Called<Route>, "status" | "headers" | "text">) {
  expect(status).toBe(route.success.status);
  if (route.success.body === undefined) return undefined;
  // A repeated creation is answered without the secrets that the schema of a first answer has.
  const isReplayed = headers.get("idempotency-replayed") === "true";
  return isReplayed ? JSON.parse(text) : route.success.body.parse(JSON.parse(text));
}

function refusal(headers: Headers, text: string) {
  const refused = problem.parse(JSON.parse(text));
  expect(refused.instance).toBe(`urn:posthorn:request:${headers.get("x-request-id")}`);
  return refused;
}

/** So that a test that expects the other outcome says what came instead. */
function strict<T extends { readonly text: string }>(called: T): T {
  return new Proxy(called, {
    get: (target, name) => {
      if ((name === "body" || name === "problem") && !(name in target)) {
        throw new Error(`the answer has no ${name}: ${target.text}`);
      }
      return Reflect.get(target, name);
    },
  });
}

function pathOf(route: Route, { path = {}, query = {} }: CallOptions): string {
  const filled = route.path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(path[name] ?? ""));
  const search = new URLSearchParams(query).toString();
  return search === "" ? filled : `${filled}?${search}`;
}

/** A new organisation with a key of each scope. */
export async function createTenant(call: Call) {
  const { body: organisation } = await call(createOrganisationRoute, { body: { name: "Acme" } });
  const createKey = async (scope: "admin" | "ci" | "runtime") => {
    const created = await call(createApiKeyRoute, { path: { org: organisation.id }, body: { name: scope, scope } });
    return created.body;
  };
  const [admin, ci, runtime] = [await createKey("admin"), await createKey("ci"), await createKey("runtime")];
  return { org: organisation.id, keys: { admin: admin.key, ci: ci.key, runtime: runtime.key }, adminKeyId: admin.id };
}

export type Tenant = Awaited<ReturnType<typeof createTenant>>;
