/** Real streams and tables for the scheduler's tests, with rows as the projector writes them. */

import { randomUUID } from "node:crypto";
import { decodeLogEvents, decodeWorkItem } from "@posthorn/contracts";
import { type OpenDatabase, openDatabase, serviceUrl } from "@posthorn/database";
import { type LogEvent, type OrgId, partitionOf, type WebhookId, type WorkItem } from "@posthorn/domain";
import {
  BusConnection,
  ensureStreams,
  messageAt,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
  type StreamName,
  streamPosition,
} from "@posthorn/message-bus";
import { openShell } from "@posthorn/service-runtime";
import { createTestDatabase, startTestNats, testRolePasswords } from "@posthorn/testkit";
import type { KnownWebhook, WebhookFacts } from "./core/lane-mode.ts";
import { createSchedulerEvents, type SchedulerEvents } from "./events.ts";
import { LaneBoard } from "./handlers/lane-board.ts";
import { Tenure } from "./handlers/tenure.ts";
import { openDueDeliveries } from "./io/due-deliveries.ts";
import { openLaneRows } from "./io/lane-rows.ts";
import { openLogWriter, type WriteLog } from "./io/log-writer.ts";

export const NOW_MS = 1_750_000_000_000;
const LOG_MESSAGE_BYTES_MAX = 700_000;

export function orgOfPartition(partition: number): OrgId {
  for (;;) {
    const orgId = randomUUID() as OrgId;
    if (partitionOf(orgId) === partition) return orgId;
  }
}

export type DeliveryChanges = {
  readonly orgId?: OrgId;
  readonly webhookId?: WebhookId;
  readonly status?: string;
  readonly nextAttemptAtMs?: number;
  readonly createdAtMs?: number;
  readonly completedAtMs?: number | undefined;
  readonly eventType?: string;
  readonly replayId?: string;
  readonly test?: boolean;
  readonly place?: { readonly epochMs: number; readonly sequence: number };
};

export type RowChanges = {
  readonly deliveryId?: string;
  readonly kind?: "retry" | "parked";
  readonly reason?: string;
  readonly dueAtMs?: number;
  readonly orgId?: OrgId;
  readonly webhookId?: WebhookId;
  readonly acceptedAtMs?: number;
  readonly sequence?: number;
  readonly epochMs?: number;
  readonly claimedUntilMs?: number;
};

export type SchedulerTest = Awaited<ReturnType<typeof openSchedulerTest>>;

/** Everything is empty again after `reset`. */
export async function openSchedulerTest(stack: AsyncDisposableStack) {
  const database = stack.use(await createTestDatabase());
  const { pool } = stack.use(openDatabase(database.url, { poolMax: 6, applicationName: "test" }));
  const ownUrl = serviceUrl(database.url, "scheduler", testRolePasswords.scheduler);
  const { pool: ownPool } = stack.use(openDatabase(ownUrl, { poolMax: 6, applicationName: "scheduler" }));
  const nats = stack.use(await startTestNats());
  const connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
  await ensureStreams(connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
  const publisher = stack.use(new Publisher(connection));
  const events = await testEvents(stack);
  const webhooks = new Map<WebhookId, KnownWebhook>();
  const writeLog = openLogWriter(publisher, LOG_MESSAGE_BYTES_MAX);
  return {
    database,
    /** Of the superuser. */
    pool,
    /** With the scheduler's own rights. */
    ownPool,
    connection,
    publisher,
    events,
    webhooks,
    ports: createTestPorts({ pool: ownPool, publisher, events, webhooks, writeLog }),
    rows: rowWriter(pool),
    itemsIn: async (stream: "RETRY" | "DELIVER") => (await read(connection, stream, decodeWorkItem)).flat(),
    loggedEvents: async (): Promise<readonly LogEvent[]> => (await read(connection, "LOG", decodeLogEvents)).flat(),
    reset: async () => {
      await pool.query(
        "truncate retry_due, deliveries, projector_checkpoint, webhook_health, replays, events, webhook_disablings",
      );
      for (const stream of ["RETRY", "LOG", "INGEST"]) await connection.manager.streams.purge(stream);
      webhooks.clear();
    },
  };
}

async function testEvents(stack: AsyncDisposableStack): Promise<SchedulerEvents> {
  const { shell } = stack.use(
    await openShell({
      name: "scheduler",
      config: { host: "127.0.0.1", httpPort: 0, logLevel: "silent", leash: "none" },
      env: {},
      stopping: new AbortController().signal,
    }),
  );
  return createSchedulerEvents(shell.log, shell.metrics);
}

type Parts = {
  readonly pool: OpenDatabase["pool"];
  readonly publisher: Publisher;
  readonly events: SchedulerEvents;
  readonly webhooks: ReadonlyMap<WebhookId, KnownWebhook>;
  readonly writeLog: WriteLog;
};

function createTestPorts({ pool, publisher, events, webhooks, writeLog }: Parts) {
  return {
    rows: openDueDeliveries(pool),
    lanes: openLaneRows(pool),
    publisher: { publish: publisher.publish.bind(publisher) },
    writeLog,
    events,
    configRevision: () => 7,
    knownWebhook: ({ webhookId }: { readonly webhookId: WebhookId }) => webhooks.get(webhookId) ?? ACTIVE,
    inRuns: (): readonly WebhookId[] => [],
    untakenRetries: async () => 0,
    startedAtMs: NOW_MS - 60_000,
    nowMs: () => NOW_MS,
    monotonicMs: () => 0,
    roll: () => 0.5,
  };
}

export type TestPorts = ReturnType<typeof createTestPorts>;

export const ACTIVE = known({});

export function known(changes: Partial<WebhookFacts>): KnownWebhook {
  const facts = { isActive: true, disabledByEngine: false, rateLimit: undefined, ordered: false, version: 1 };
  return { kind: "present", webhook: { ...facts, ...changes } };
}

function rowWriter(pool: OpenDatabase["pool"]) {
  return {
    /** A row of `retry_due`. @returns the delivery's id. */
    due: async (changes: RowChanges = {}): Promise<string> => {
      const orgId = changes.orgId ?? (randomUUID() as OrgId);
      const deliveryId = changes.deliveryId ?? randomUUID();
      await pool.query(
        `insert into retry_due (delivery_id, partition, due_at, kind, reason, attempt, release, org_id, event_id,
           webhook_id, event_type, accepted_at, profile, place_epoch_ms, place_sequence, place_index, traceparent,
           message_id, claimed_until)
         values ($1, $2, $3, $4, $5, 2, 1, $6, $7, $8, 'agent.status', $9, 'standard', $10, $11, 3, 'tp', $1, $12)`,
        [
          deliveryId,
          partitionOf(orgId),
          new Date(changes.dueAtMs ?? NOW_MS - 10),
          changes.kind ?? "retry",
          changes.reason ?? null,
          orgId,
          randomUUID(),
          changes.webhookId ?? randomUUID(),
          new Date(changes.acceptedAtMs ?? NOW_MS - 3_600_000),
          changes.epochMs ?? 1,
          changes.sequence ?? 2,
          timeOrNull(changes.claimedUntilMs),
        ],
      );
      return deliveryId;
    },
    /** A row of `deliveries`, open unless it says when it was completed. */
    delivery: async (changes: DeliveryChanges = {}) => {
      const orgId = changes.orgId ?? (randomUUID() as OrgId);
      const webhookId = changes.webhookId ?? (randomUUID() as WebhookId);
      const deliveryId = randomUUID();
      const createdAt = new Date(changes.createdAtMs ?? Date.now() - 400_000);
      await pool.query(
        `insert into deliveries (id, partition, org_id, event_id, webhook_id, event_type, profile, place_epoch_ms,
           place_sequence, place_index, traceparent, accepted_at, created_at, status, next_attempt_at, completed_at,
           attempt_count, release, repeated_attempts, test, replay_id, log_epochs, log_sequences)
         values ($1, $2, $3, $4, $5, $6, 'standard', $7, $8, 0, 'tp', $9, $9, $10, $11, $12, 0, 0, 0, $13, $14,
           '{}', '{}')`,
        [
          deliveryId,
          partitionOf(orgId),
          orgId,
          randomUUID(),
          webhookId,
          changes.eventType ?? "agent.status",
          changes.place?.epochMs ?? 1,
          changes.place?.sequence ?? 1,
          createdAt,
          changes.status ?? "pending",
          timeOrNull(changes.nextAttemptAtMs),
          timeOrNull(changes.completedAtMs),
          changes.test ?? false,
          changes.replayId ?? null,
        ],
      );
      return { deliveryId, webhookId, orgId, partition: partitionOf(orgId) };
    },
    circuit: async (
      webhookId: WebhookId,
      orgId: OrgId,
      circuit: "open" | "closed",
      generation: number,
      atMs: number,
    ) => {
      await pool.query(
        `insert into webhook_health (webhook_id, org_id, consecutive_failures, circuit, circuit_generation,
           circuit_changed_at) values ($1, $2, 0, $3, $4, $5)
         on conflict (webhook_id) do update set circuit = $3, circuit_generation = $4, circuit_changed_at = $5`,
        [webhookId, orgId, circuit, generation, new Date(atMs)],
      );
    },
    /** The deliveries have an outcome of every attempt that these tests release. */
    settled: async (deliveryIds: readonly string[], orgId: OrgId, webhookId: WebhookId) => {
      await pool.query(
        `insert into deliveries (id, partition, org_id, event_id, webhook_id, created_at, status, attempt_count,
           release, repeated_attempts, log_epochs, log_sequences)
         select id, $2, $3, gen_random_uuid(), $4, now(), 'scheduled', 2, 1, 0, '{}', '{}' from unnest($1::uuid[]) id
         on conflict do nothing`,
        [deliveryIds, partitionOf(orgId), orgId, webhookId],
      );
    },
    count: async (): Promise<number> => Number((await pool.query("select count(*) as n from retry_due")).rows[0].n),
  };
}

function timeOrNull(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}

/** A partition that is owned and caught up. */
export function tenureOf(partition: number, sinceMs = NOW_MS - 60_000): Tenure {
  const tenure = new Tenure(partition, sinceMs, -60_000);
  tenure.hasCaughtUp = true;
  return tenure;
}

export async function lookAtLanes(test: SchedulerTest, tenures: readonly Tenure[]): Promise<LaneBoard> {
  const board = new LaneBoard();
  await board.look(test.ports.lanes, test.ports.knownWebhook, tenures);
  return board;
}

type Decode<Value> = (
  bytes: Uint8Array,
) => { readonly kind: "decoded"; readonly value: Value } | { readonly kind: "undecodable" };

async function read<Value extends WorkItem | readonly LogEvent[]>(
  connection: BusConnection,
  stream: StreamName,
  decode: Decode<Value>,
): Promise<Value[]> {
  const { firstSequence, lastSequence } = await streamPosition(connection, stream);
  const values: Value[] = [];
  for (let sequence = firstSequence; sequence <= lastSequence; sequence += 1) {
    const message = await messageAt(connection, stream, sequence);
    const decoded = message === undefined ? undefined : decode(message.data);
    if (decoded?.kind === "decoded") values.push(decoded.value);
  }
  return values;
}
