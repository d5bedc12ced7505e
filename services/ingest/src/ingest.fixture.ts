/** Ingest on a NATS server of its own, the configuration it follows, and what it stored. For tests only. */

import { hash, randomBytes, randomUUID } from "node:crypto";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  decodeEventGroup,
  IngestServiceClient,
  type PublishStreamRequest,
  type PublishStreamResponse,
} from "@posthorn/contracts";
import {
  type AcceptedEvent,
  type ApiKeyId,
  type ConfigValue,
  type EventTypeId,
  type OrgId,
  parseApiKeyId,
  parseEventTypeId,
  parseOrgId,
  type Scope,
} from "@posthorn/domain";
import {
  BusConnection,
  ensureConfigBucket,
  ensureStreams,
  messageAt,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
  streamPosition,
  writeConfigValue,
  writeSentinel,
} from "@posthorn/message-bus";
import { createGrpcClient, type Environment, openShell, readSettings } from "@posthorn/service-runtime";
import { startTestNats, type TestNats, waitUntil } from "@posthorn/testkit";
import { settings } from "./config.ts";
import { startIngest } from "./service.ts";

export const ROOT_KEY = "root-key-of-the-tests";

/** A bus as `api` would have prepared it. */
export type TestBus = AsyncDisposable & {
  readonly nats: TestNats;
  readonly connection: BusConnection;
  createOrganisation(options?: { readonly strictEventTypes: boolean }): Promise<OrgId>;
  /** Writes an entry of the catalogue, as its creation or as a later version of it. */
  writeEventType(org: OrgId, entry: EventTypeEntry): Promise<void>;
  createKey(org: OrgId, scope?: Scope): Promise<TestKey>;
  revoke(org: OrgId, key: TestKey): Promise<void>;
  /** Every message of INGEST, as groups of events with their data as text. */
  storedGroups(): Promise<readonly (readonly StoredEvent[])[]>;
};

export type EventTypeEntry = {
  readonly id: EventTypeId;
  readonly name: string;
  readonly schema?: object;
  readonly version: number;
};
export type TestKey = { readonly id: ApiKeyId; readonly key: string };
export type StoredEvent = Omit<AcceptedEvent, "data"> & { readonly data: string };

export async function openTestBus(options: { readonly sentinel: boolean } = { sentinel: true }): Promise<TestBus> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startTestNats());
  const connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
  await ensureStreams(connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
  await ensureConfigBucket(connection, 1);
  const publisher = stack.use(new Publisher(connection));
  if (options.sentinel) await writeSentinel(connection, publisher);
  const write = async (
    kind: "organisation" | "api-key" | "event-type",
    orgId: OrgId,
    id: string,
    value: ConfigValue,
  ) => {
    const written = await writeConfigValue(connection, publisher, { kind, orgId, id }, value, Date.now());
    if (written.kind === "unavailable") throw new Error(written.reason);
  };
  const owned = stack.move();
  return {
    nats,
    connection,
    createOrganisation: async ({ strictEventTypes } = { strictEventTypes: false }) => {
      const id = newOrgId();
      const entry = { kind: "organisation", id, strictEventTypes } as const;
      await write("organisation", id, id, { kind: "present", version: 1, entry });
      return id;
    },
    writeEventType: async (orgId, { id, name, schema, version }) => {
      const text = schema === undefined ? undefined : JSON.stringify(schema);
      const entry = { kind: "event-type", id, orgId, name, schema: text } as const;
      await write("event-type", orgId, id, { kind: "present", version, entry });
    },
    createKey: async (orgId, scope = "runtime") => {
      const key = `ph_sk_${randomBytes(32).toString("hex")}`;
      const id = parseApiKeyId(randomUUID());
      if (id === undefined) throw new Error("not an id");
      const entry = { kind: "api-key", id, orgId, scope, hash: hash("sha256", key) } as const;
      await write("api-key", orgId, id, { kind: "present", version: 1, entry });
      return { id, key };
    },
    revoke: (orgId, { id }) => write("api-key", orgId, id, { kind: "deleted", version: 2 }),
    storedGroups: () => readGroups(connection),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function newEventTypeId(): EventTypeId {
  const id = parseEventTypeId(randomUUID());
  if (id === undefined) throw new Error("not an id");
  return id;
}

export function newOrgId(): OrgId {
  const id = parseOrgId(randomUUID());
  if (id === undefined) throw new Error("not an id");
  return id;
}

/** Ingest, and how a publisher talks to it. */
export type TestIngest = AsyncDisposable & {
  readonly client: IngestServiceClient;
  post(path: string, body: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  publish(org: OrgId, event: object | string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  publishBatch(org: OrgId, events: readonly object[], headers?: Readonly<Record<string, string>>): Promise<Answer>;
  metric(name: string): Promise<number>;
  get(path: string): Promise<Answer>;
};

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: AnswerBody };

/** What the answers of ingest may hold. */
export type AnswerBody = {
  readonly id?: string;
  readonly duplicate?: boolean;
  readonly type?: string;
  readonly detail?: string;
  readonly status?: string | number;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly results?: readonly {
    readonly id?: string;
    readonly duplicate?: boolean;
    readonly error?: { readonly code: string; readonly errors?: readonly { readonly path: string }[] };
  }[];
};

const JSON_TYPE = { "content-type": "application/json" };
export const AS_ROOT = { authorization: `Bearer ${ROOT_KEY}` };

/** On free ports of this machine; of the environment only OTEL_* variables count. */
export async function startTestIngest(natsUrl: string, env: Environment = {}): Promise<TestIngest> {
  await using stack = new AsyncDisposableStack();
  const config = readSettings(
    {
      POSTHORN_INGEST_PORT: "0",
      POSTHORN_INGEST_GRPC_PORT: "0",
      POSTHORN_ADMIN_KEY: ROOT_KEY,
      POSTHORN_LOG_LEVEL: "silent",
      NATS_URL: natsUrl,
    },
    settings,
  );
  const stopping = new AbortController();
  const { shell, control } = stack.use(await openShell({ name: "ingest", config, env, stopping: stopping.signal }));
  const ingest = stack.use(await startIngest(config, shell));
  control.started();
  const client = createGrpcClient(IngestServiceClient, `127.0.0.1:${ingest.grpcPort}`);
  stack.defer(() => client.close());
  const owned = stack.move();
  const url = `http://127.0.0.1:${shell.http.port}`;
  const post: TestIngest["post"] = async (path, body, headers = {}) =>
    answerOf(await fetch(url + path, { method: "POST", headers: { ...JSON_TYPE, ...AS_ROOT, ...headers }, body }));
  return {
    client,
    post,
    publish: (org, event, headers) =>
      post(`/v1/orgs/${org}/events`, typeof event === "string" ? event : JSON.stringify(event), headers),
    publishBatch: (org, events, headers) => post(`/v1/orgs/${org}/events/batch`, JSON.stringify({ events }), headers),
    get: async (path) => answerOf(await fetch(url + path)),
    metric: async (name) => Number(new RegExp(`^posthorn_${name} (.*)$`, "m").exec(await shell.metrics.expose())?.[1]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Waits until ingest has read the configuration and may let callers in. */
export async function startReadyIngest(natsUrl: string, env: Environment = {}): Promise<TestIngest> {
  const ingest = await startTestIngest(natsUrl, env);
  await waitUntil(async () => (await ingest.get("/readyz")).status === 200, { describe: "ingest to be ready" });
  return ingest;
}

export function metadataWith(key: string | undefined, others: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(others)) metadata.set(name, value);
  if (key !== undefined) metadata.set("authorization", `Bearer ${key}`);
  return metadata;
}

/** Sends all requests on one stream and waits for its end. */
export function publishOnStream(
  client: IngestServiceClient,
  key: string | undefined,
  requests: Iterable<PublishStreamRequest>,
): Promise<{ readonly answers: readonly PublishStreamResponse[]; readonly failure: ServiceError | undefined }> {
  const call = client.publishStream(metadataWith(key));
  const answers: PublishStreamResponse[] = [];
  let failure: ServiceError | undefined;
  call.on("data", (answer: PublishStreamResponse) => answers.push(answer));
  call.on("error", (error: ServiceError) => {
    failure = error;
  });
  for (const request of requests) call.write(request);
  call.end();
  return new Promise((resolve) => call.once("close", () => resolve({ answers, failure })));
}

async function answerOf(response: Response): Promise<Answer> {
  const body: AnswerBody = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body };
}

async function readGroups(connection: BusConnection): Promise<readonly (readonly StoredEvent[])[]> {
  await waitUntil(() => connection.isConnected, { describe: "the test's connection to be back", timeoutMs: 15_000 });
  const { firstSequence, lastSequence } = await streamPosition(connection, "INGEST");
  const groups: StoredEvent[][] = [];
  for (let sequence = firstSequence; sequence <= lastSequence; sequence += 1) {
    const message = await messageAt(connection, "INGEST", sequence);
    if (message === undefined) continue;
    const group = decodeEventGroup(message.data);
    if (group.kind !== "decoded") throw new Error(`message ${sequence} of INGEST cannot be read`);
    groups.push(group.value.map((event) => ({ ...event, data: Buffer.from(event.data).toString() })));
  }
  return groups;
}
