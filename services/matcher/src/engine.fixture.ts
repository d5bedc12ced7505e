/**
 * A bus with everything around a matcher: who writes the configuration, who publishes events, and who reads what the
 * matcher makes of them. For tests only.
 */

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { decodeLogEvents, decodeWork, encodeEventGroup } from "@posthorn/contracts";
import {
  type AcceptedEvent,
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
  subjectOf,
  WorkSource,
  writeConfigValue,
  writeSentinel,
} from "@posthorn/message-bus";
import { type HealthReport, openShell, readSettings } from "@posthorn/service-runtime";
import { startTestNats, type TestNats } from "@posthorn/testkit";
import { settings } from "./config.ts";
import { webhook } from "./core/matcher.fixture.ts";
import { startMatcher } from "./service.ts";

export type StoredItem = { readonly sequence: number; readonly storedAtMs: number; readonly item: WorkItem };
export type StoredLog = { readonly sequence: number; readonly event: LogEvent };

export type RunningMatcher = AsyncDisposable & {
  /** What Prometheus would see. */
  figures(): Promise<string>;
  /** What /readyz would say of them. */
  dependencies(): HealthReport["dependencies"];
};
export type MatcherProcess = AsyncDisposable & { end(signal: NodeJS.Signals): Promise<void> };

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

export class TestEngine implements AsyncDisposable {
  readonly nats: TestNats;
  readonly connection: BusConnection;
  /** Everything that was ever put into DELIVER and LOG, in the order of the stream. */
  readonly items: readonly StoredItem[];
  readonly log: readonly StoredLog[];
  readonly #publisher: Publisher;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    nats: TestNats,
    connection: BusConnection,
    publisher: Publisher,
    items: readonly StoredItem[],
    log: readonly StoredLog[],
    stack: AsyncDisposableStack,
  ) {
    this.nats = nats;
    this.connection = connection;
    this.items = items;
    this.log = log;
    this.#publisher = publisher;
    this.#stack = stack;
  }

  static async start(options: { readonly isConfigured?: boolean } = {}): Promise<TestEngine> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startTestNats());
    const connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
    await ensureStreams(connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
    await ensureConfigBucket(connection, 1);
    const publisher = stack.use(new Publisher(connection));
    if (options.isConfigured ?? true) await writeSentinel(connection, publisher);
    const items = await collectItems(connection, stack);
    const log = collectLog(connection, stack);
    return new TestEngine(nats, connection, publisher, items, log, stack.move());
  }

  /** A matcher in a process of its own, to be killed. */
  spawnMatcher(): MatcherProcess {
    const env = { NATS_URL: this.nats.url, POSTHORN_LOG_LEVEL: "fatal" };
    const child = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "ignore", "inherit"] });
    const ended = once(child, "exit");
    const end = async (signal: NodeJS.Signals) => {
      child.kill(signal);
      await ended;
    };
    return { end, [Symbol.asyncDispose]: () => end("SIGKILL") };
  }

  /** A matcher in this process. */
  async startMatcher(): Promise<RunningMatcher> {
    await using stack = new AsyncDisposableStack();
    const env = { NATS_URL: this.nats.url, POSTHORN_LOG_LEVEL: "fatal" };
    const config = readSettings(env, settings);
    const stopping = new AbortController().signal;
    const { shell } = stack.use(await openShell({ name: "matcher", config, env, stopping }));
    stack.use(await startMatcher(config, shell));
    const owned = stack.move();
    return {
      figures: () => shell.metrics.expose(),
      dependencies: () => shell.health.report().dependencies,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }

  completeConfiguration(): Promise<void> {
    return writeSentinel(this.connection, this.#publisher);
  }

  /** Resolves as the api would answer: when the value stands in the bucket. */
  async writeWebhook(changes: Partial<WebhookConfig>, version = 1): Promise<WebhookConfig> {
    const entry = webhook(changes);
    const { kind } = await writeConfigValue(
      this.connection,
      this.#publisher,
      { kind: "webhook", orgId: entry.orgId, id: entry.id },
      { kind: "present", version, entry },
      Date.now(),
    );
    if (kind !== "written") throw new Error("the webhook could not be written");
    return entry;
  }

  async deleteWebhook(orgId: OrgId, id: WebhookId, version: number): Promise<void> {
    const key = { kind: "webhook", orgId, id } as const;
    await writeConfigValue(this.connection, this.#publisher, key, { kind: "deleted", version }, Date.now());
  }

  /** One INGEST message; its events must be of one organisation. */
  async publish(events: readonly AcceptedEvent[], id: string = randomUUID()): Promise<number> {
    const [first] = events;
    if (first === undefined) throw new Error("nothing to publish");
    const subject = subjectOf("INGEST", partitionOf(first.orgId));
    return this.publishBytes(subject, encodeEventGroup(events), id);
  }

  async publishBytes(subject: string, payload: Uint8Array, id: string = randomUUID()): Promise<number> {
    const { sequence } = await this.#publisher.publishUntilStored({ subject, payload, id });
    return sequence;
  }

  /** Messages of INGEST that matchers have not acknowledged. */
  async unsettled(): Promise<number> {
    const { consumers } = this.connection.manager;
    const infos = await consumers.list("INGEST").next();
    return infos.reduce((sum, info) => sum + info.num_pending + info.num_ack_pending, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Takes the work as a dispatcher would. What comes again, because a server forgot an acknowledgement, counts once. */
async function collectItems(connection: BusConnection, stack: AsyncDisposableStack): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  const seen = new Set<number>();
  const source = stack.use(
    await WorkSource.open(connection, {
      stream: "DELIVER",
      worker: "dispatcher",
      prefetchMax: 1_000,
      leaseMs: 60_000,
      onTrouble: () => {},
    }),
  );
  let isOpen = true;
  const loop = (async () => {
    while (isOpen) {
      await source.available();
      for (const message of source.take(1_000)) {
        message.ack();
        if (seen.has(message.sequence)) continue;
        seen.add(message.sequence);
        const { sequence, storedAtMs } = message;
        items.push(...itemsIn(message.data).map((item) => ({ sequence, storedAtMs, item })));
      }
    }
  })();
  stack.defer(async () => {
    isOpen = false;
    source[Symbol.dispose]();
    await loop;
  });
  return items;
}

function itemsIn(data: Uint8Array): readonly WorkItem[] {
  const decoded = decodeWork(data);
  if (decoded.kind === "undecodable") throw new Error(`a message of work cannot be read: ${decoded.reason}`);
  return decoded.value.map((item) => {
    if (item.kind === "undecodable") throw new Error(`a work item cannot be read: ${item.reason}`);
    return item.value;
  });
}

function collectLog(connection: BusConnection, stack: AsyncDisposableStack): readonly StoredLog[] {
  const log: StoredLog[] = [];
  const reader: SequentialReader = stack.use(
    new SequentialReader(connection, {
      stream: "LOG",
      subject: "log.*",
      from: { kind: "sequence", sequence: 1 },
      windowMax: 1_000,
      onMessage: ({ data, sequence }) => {
        const decoded = decodeLogEvents(data);
        if (decoded.kind === "undecodable") throw new Error(`the log cannot be read: ${decoded.reason}`);
        log.push(...decoded.value.map((event) => ({ sequence, event })));
        queueMicrotask(() => reader.taken(1));
      },
      onTrouble: () => {},
    }),
  );
  return log;
}
