/**
 * Everything around a dispatcher: NATS with a complete configuration, a signer, somebody who answers for the projector,
 * and eyes on what is logged. For tests only.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  decodeLogEvents,
  encodeEventGroup,
  encodeWorkItem,
  type OutcomesRequest,
  type OutcomesResponse,
  ProjectionServiceService,
} from "@posthorn/contracts";
import {
  type AcceptedEvent,
  type DeliveryId,
  deliveryIdOf,
  type EventId,
  type LogEvent,
  type OrgId,
  partitionOf,
  type WebhookConfig,
  type WebhookId,
  type WorkItem,
} from "@posthorn/domain";
import {
  BusConnection,
  ensureConfigBucket,
  ensureStreams,
  Publisher,
  SequentialReader,
  STREAM_BYTES_MAX_DEFAULT,
  streamPosition,
  subjectOf,
  writeConfigValue,
  writeSentinel,
} from "@posthorn/message-bus";
import { openShell, readSettings, startGrpcServer, unaryHandler } from "@posthorn/service-runtime";
import { startTestNats, type TestNats, waitUntil } from "@posthorn/testkit";
import { signerSettings } from "../../signer/src/config.ts";
import { startSigner } from "../../signer/src/service.ts";
import { settings } from "./config.ts";
import { seal } from "./seal.fixture.ts";
import { startDispatcher } from "./service.ts";
import type { IsSettled } from "./settled.fixture.ts";

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MASTER_KEY = Buffer.alloc(32, 0x5a).toString("base64");
const NOBODY = "127.0.0.1:1";

export class DispatcherBench implements AsyncDisposable {
  readonly orgId = randomUUID() as OrgId;
  readonly webhookId = randomUUID() as WebhookId;
  readonly nats: TestNats;
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  /** Everything in LOG so far, in its order. */
  readonly log: LogEvent[] = [];
  readonly #stack: AsyncDisposableStack;
  readonly #sealedSecrets = new Map<WebhookId, Uint8Array>();
  #version = 0;

  private constructor(nats: TestNats, connection: BusConnection, publisher: Publisher, stack: AsyncDisposableStack) {
    this.nats = nats;
    this.connection = connection;
    this.publisher = publisher;
    this.#stack = stack;
    const reader: SequentialReader = new SequentialReader(connection, {
      stream: "LOG",
      subject: "log.*",
      from: { kind: "sequence", sequence: 1 },
      windowMax: 1_000,
      onMessage: ({ data }) => {
        const decoded = decodeLogEvents(data);
        if (decoded.kind === "decoded") this.log.push(...decoded.value);
        queueMicrotask(() => reader.taken(1));
      },
      onTrouble: () => {},
    });
    stack.use(reader);
  }

  static async start(): Promise<DispatcherBench> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startTestNats());
    const connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
    await ensureStreams(connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
    await ensureConfigBucket(connection, 1);
    const publisher = stack.use(new Publisher(connection));
    await writeSentinel(connection, publisher);
    return new DispatcherBench(nats, connection, publisher, stack.move());
  }

  get partition(): number {
    return partitionOf(this.orgId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** @param grpcPort any free one without it. */
  async startSigner(grpcPort = 0): Promise<AsyncDisposable & { readonly target: string }> {
    await using stack = new AsyncDisposableStack();
    const env = { POSTHORN_MASTER_KEY: MASTER_KEY, POSTHORN_LOG_LEVEL: "silent" };
    const config = { ...readSettings(env, signerSettings), grpcPort };
    const signer = stack.use(await startSigner(config, await openTestShell("signer", config, stack)));
    const owned = stack.move();
    return { target: `127.0.0.1:${signer.grpcPort}`, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  /** Answers `Outcomes` in place of the projector. */
  async startProjection(isSettled: IsSettled, port = 0): Promise<AsyncDisposable & { readonly target: string }> {
    await using stack = new AsyncDisposableStack();
    const config = { host: "127.0.0.1", httpPort: 0, logLevel: "silent", leash: "none" } as const;
    const { log, health } = await openTestShell("projector", config, stack);
    const outcomes = unaryHandler<OutcomesRequest, OutcomesResponse>(log, async ({ attempts }) => ({
      kind: "response",
      response: { settled: attempts.map((one) => isSettled(this.log, one)) },
    }));
    const services = [{ definition: ProjectionServiceService, implementation: { outcomes } }];
    const server = stack.use(await startGrpcServer({ host: "127.0.0.1", port, services, health, log }));
    const owned = stack.move();
    return { target: `127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  /** A dispatcher in this process, whose requests may go to this machine. */
  async startDispatcher(
    targets: { signer?: string; projector?: string } = {},
  ): Promise<AsyncDisposable & { readonly target: string }> {
    await using stack = new AsyncDisposableStack();
    const env = {
      NATS_URL: this.nats.url,
      POSTHORN_SIGNER_TARGET: targets.signer ?? NOBODY,
      POSTHORN_PROJECTOR_TARGET: targets.projector ?? NOBODY,
      POSTHORN_ALLOW_HTTP: "true",
      POSTHORN_ALLOWED_TARGETS: "127.0.0.0/8",
      POSTHORN_LOG_LEVEL: "silent",
    };
    const config = readSettings(env, settings);
    const { grpcPort } = stack.use(await startDispatcher(config, await openTestShell("dispatcher", config, stack)));
    const owned = stack.move();
    return { target: `127.0.0.1:${grpcPort}`, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  /** Writes the one webhook of this bench, or another with an id of its own. Returns its version. */
  async writeWebhook(signer: string, changes: Partial<WebhookConfig>): Promise<number> {
    const { id = this.webhookId } = changes;
    const { orgId } = this;
    const ciphertext = this.#sealedSecrets.get(id) ?? (await seal(signer, { orgId, webhookId: id }, SECRET));
    this.#sealedSecrets.set(id, ciphertext);
    const version = this.#nextVersion();
    const entry: WebhookConfig = {
      kind: "webhook",
      id: this.webhookId,
      orgId: this.orgId,
      url: "http://127.0.0.1:1/",
      patterns: ["*"],
      profile: "standard",
      timeoutMs: undefined,
      retryDelaysS: undefined,
      isActive: true,
      disabledByEngine: false,
      secrets: [{ ciphertext, signsUntilMs: undefined }],
      legacySignsWith: "old",
      hasSecret: true,
      filter: undefined,
      eventTypePrefix: "",
      sealedToken: undefined,
      sealedHeaders: undefined,
      rateLimit: undefined,
      ordered: false,
      ...changes,
    };
    await this.#write(id, { kind: "present", version, entry });
    return version;
  }

  async deleteWebhook(): Promise<void> {
    await this.#write(this.webhookId, { kind: "deleted", version: this.#nextVersion() });
  }

  newItem(changes: Partial<WorkItem> = {}): WorkItem {
    const event = changes.event ?? this.newEvent();
    const { webhookId = this.webhookId } = changes;
    const deliveryId = deliveryIdOf(event.id, webhookId);
    return {
      deliveryId,
      orgId: this.orgId,
      webhookId,
      eventId: event.id,
      eventType: event.type,
      acceptedAtMs: event.acceptedAtMs,
      attempt: 1,
      release: 0,
      configRevision: 0,
      profile: "standard",
      possibleRepeat: false,
      place: { epochMs: 1, sequence: 1, index: 0 },
      event,
      traceparent: "",
      messageId: deliveryId,
      eventTypePrefix: "",
      isOnly: false,
      terms: undefined,
      followers: [],
      mayHaveBeenSent: false,
      ...changes,
    };
  }

  newEvent(data = '{"big":123456789012345678901234567890}'): AcceptedEvent {
    return {
      id: randomUUID() as EventId,
      orgId: this.orgId,
      type: "agent.status",
      timestamp: undefined,
      acceptedAtMs: Date.now(),
      data: Buffer.from(data),
      traceparent: "",
      callerId: undefined,
      forWebhook: undefined,
      hops: 0,
    };
  }

  /** Under an id of its own: the stream takes a copy of an item, too. */
  async enqueue(item: WorkItem, stream: "DELIVER" | "RETRY" = "DELIVER"): Promise<void> {
    await this.enqueueBytes(encodeWorkItem(item), stream);
  }

  async enqueueBytes(payload: Uint8Array, stream: "DELIVER" | "RETRY" = "DELIVER"): Promise<void> {
    await this.publisher.publishUntilStored({
      subject: subjectOf(stream, this.partition),
      payload,
      id: randomUUID(),
    });
  }

  /** Stores an event where a work item that does not carry it can find it. */
  async store(event: AcceptedEvent): Promise<WorkItem["place"]> {
    const { epochMs } = await streamPosition(this.connection, "INGEST");
    const { sequence } = await this.publisher.publishUntilStored({
      subject: subjectOf("INGEST", this.partition),
      payload: encodeEventGroup([event]),
      id: randomUUID(),
    });
    return { epochMs, sequence, index: 0 };
  }

  eventsOf(delivery: DeliveryId): readonly LogEvent[] {
    return this.log.filter((event) => "deliveryId" in event && event.deliveryId === delivery);
  }

  /** Waits until so many events of a delivery are in LOG. */
  async logged(delivery: DeliveryId, count = 1, timeoutMs = 10_000): Promise<readonly LogEvent[]> {
    await waitUntil(() => this.eventsOf(delivery).length >= count, { timeoutMs, describe: "the log of a delivery" });
    return this.eventsOf(delivery);
  }

  /** How many work items are stored and not acknowledged. */
  async queued(stream: "DELIVER" | "RETRY" = "DELIVER"): Promise<number> {
    return (await this.connection.manager.streams.info(stream)).state.messages;
  }

  async worked(stream: "DELIVER" | "RETRY" = "DELIVER"): Promise<void> {
    await waitUntil(async () => (await this.queued(stream)) === 0, { timeoutMs: 10_000, describe: "an empty queue" });
  }

  async restartNats(): Promise<void> {
    await this.nats.server.kill("SIGKILL");
    await waitUntil(() => !this.connection.isConnected, { timeoutMs: 5_000 });
    await this.nats.server.restart();
    await waitUntil(() => this.connection.isConnected, { timeoutMs: 10_000 });
    await sleep(100);
  }

  #nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  async #write(id: WebhookId, value: Parameters<typeof writeConfigValue>[3]): Promise<void> {
    const key = { kind: "webhook", orgId: this.orgId, id } as const;
    await writeConfigValue(this.connection, this.publisher, key, value, Date.now());
  }
}

async function openTestShell(
  name: string,
  config: Parameters<typeof openShell>[0]["config"],
  stack: AsyncDisposableStack,
) {
  const stopping = new AbortController().signal;
  const { shell } = stack.use(await openShell({ name, config: { ...config, httpPort: 0 }, env: {}, stopping }));
  return shell;
}
