import { encodeLogEvents } from "@posthorn/contracts";
import { ensureStreams } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ACCEPTED_AT_MS, deliveryEvents, organisationEvents, PARTITION, REPLAY } from "./core/log.fixture.ts";
import {
  beginOutage,
  checkpointOf,
  runRebuild,
  STREAM_SETTINGS,
  startTestBackend,
  startTestProjector,
  type TestBackend,
} from "./projector.fixture.ts";

const NEXT_AT_MS = ACCEPTED_AT_MS + 60_000;
const EQUAL = { kind: "verified", differences: [] };

let backend: TestBackend;

beforeEach(async () => {
  backend = await startTestBackend();
});
afterEach(() => backend[Symbol.asyncDispose]());

const statuses = async () => {
  const rows = await backend.database.db.selectFrom("deliveries").select(["status", "attempt_count"]).execute();
  return rows.map((row) => `${row.status} ${row.attempt_count}`).sort();
};

describe("a projector", () => {
  test("writes archive, delivery, event and what waits, all columns of them", async () => {
    await using _projector = await startTestProjector(backend.env);
    const delivery = deliveryEvents(1);
    const sequence = await backend.publish([delivery.created()], [delivery.failed(1, NEXT_AT_MS)]);
    await backend.projected(sequence);
    const { db } = backend.database;
    const checkpoint = await checkpointOf(backend.database);
    const epochMs = checkpoint?.epoch_ms ?? 0;

    const identity = { org_id: delivery.created().orgId, event_id: delivery.eventId, webhook_id: delivery.webhookId };
    const place = { place_epoch_ms: delivery.facts.place.epochMs, place_sequence: 1, place_index: 1 };
    const creation = {
      ...identity,
      ...place,
      partition: PARTITION,
      event_type: "agent.status",
      profile: "standard",
      event_type_prefix: "",
      is_only: false,
      traceparent: delivery.facts.traceparent,
      accepted_at: new Date(delivery.facts.acceptedAtMs),
    };
    expect(await db.selectFrom("deliveries").selectAll().execute()).toEqual([
      {
        ...creation,
        id: delivery.deliveryId,
        created_at: new Date(delivery.created().atMs),
        completed_at: null,
        status: "scheduled",
        reason: null,
        next_attempt_at: new Date(NEXT_AT_MS),
        attempt_count: 1,
        release: 0,
        repeated_attempts: 0,
        last_started_at: new Date(ACCEPTED_AT_MS + 1_000),
        last_dispatcher: "dispatcher-1",
        last_status_code: 500,
        last_error_class: "status",
        error_message: "receiver answered 500",
        test: false,
        replay_of: null,
        replay_id: null,
        log_epochs: [epochMs, epochMs],
        log_sequences: [1, 2],
      },
    ]);
    expect(await db.selectFrom("events").selectAll().execute()).toEqual([
      {
        ...place,
        id: delivery.eventId,
        org_id: identity.org_id,
        type: "agent.status",
        timestamp: delivery.facts.timestamp,
        accepted_at: creation.accepted_at,
        caller_id: "caller-1",
        traceparent: creation.traceparent,
      },
    ]);
    expect(await db.selectFrom("retry_due").selectAll().execute()).toEqual([
      {
        ...creation,
        delivery_id: delivery.deliveryId,
        due_at: new Date(NEXT_AT_MS),
        kind: "retry",
        reason: null,
        message_id: delivery.deliveryId,
        may_have_been_sent: false,
        attempt: 2,
        release: 0,
        claimed_until: null,
      },
    ]);
    const archived = await db.selectFrom("delivery_log").selectAll().orderBy("sequence").execute();
    expect(archived.map((row) => [row.epoch_ms, row.sequence, row.bytes])).toEqual([
      [epochMs, 1, Buffer.from(encodeLogEvents([delivery.created()]))],
      [epochMs, 2, Buffer.from(encodeLogEvents([delivery.failed(1, NEXT_AT_MS)]))],
    ]);
  });

  test("writes replays, disablings, the audit and circuits, and a rebuild gives the same", async () => {
    await using _projector = await startTestProjector(backend.env);
    const { circuit, replayStarted, replayProgressed, disabled, changed } = organisationEvents;
    const [tried, parked] = [deliveryEvents(1), deliveryEvents(2)];
    const sequence = await backend.publish(
      [replayStarted(), disabled(3), changed("change-1"), circuit("circuit.opened", 1)],
      [tried.created(), tried.succeeded(1), tried.retried(2, 1), parked.bornParked()],
      [replayProgressed(4)],
    );
    await backend.projected(sequence);
    const { db } = backend.database;
    expect(await db.selectFrom("replays").selectAll().execute()).toEqual([
      {
        id: REPLAY,
        org_id: tried.created().orgId,
        partition: PARTITION,
        webhook_id: tried.webhookId,
        since: new Date(ACCEPTED_AT_MS - 1_000),
        until: new Date(ACCEPTED_AT_MS),
        statuses: ["exhausted", "skipped"],
        types: ["agent.*", 'odd "quoted" \\ {,}'],
        started_by: "root",
        state: "running",
        total: 9,
        done: 4,
        skipped: 1,
        cursor: "after 4",
        created_at: new Date(ACCEPTED_AT_MS + 1_000),
        finished_at: null,
      },
    ]);
    expect(await db.selectFrom("webhook_disablings").selectAll().execute()).toMatchObject([
      { webhook_id: tried.webhookId, reason: "gone", config_version: 3 },
    ]);
    expect(await db.selectFrom("audit").selectAll().execute()).toMatchObject([
      { id: "change-1", actor: "root", action: "updateWebhook", fields: ["url", "secret"] },
    ]);
    expect(await db.selectFrom("webhook_health").selectAll().execute()).toMatchObject([
      { circuit: "open", circuit_generation: 1, consecutive_failures: 0 },
    ]);
    const waiting = db.selectFrom("retry_due").select(["kind", "reason", "is_only", "release"]).orderBy("kind");
    expect(await waiting.execute()).toEqual([
      { kind: "parked", reason: "ordered", is_only: false, release: 0 },
      { kind: "retry", reason: null, is_only: true, release: 1 },
    ]);
    expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
  });

  test("archives what it cannot read or store, counts it, and projects what stands beside it", async () => {
    await using projector = await startTestProjector(backend.env);
    const [sound, overflowing, last] = [deliveryEvents(1), deliveryEvents(2), deliveryEvents(3)];
    const sequence = await backend.publish(
      [sound.created()],
      Buffer.from("no protobuf"),
      [overflowing.created(), overflowing.succeeded(1, { statusCode: 4_000_000_000 })],
      [last.created(), last.succeeded(1)],
    );
    await backend.projected(sequence);
    expect(await statuses()).toEqual(["delivered 1", "pending 0"]);
    expect(await projector.metric("set_aside_messages_total")).toBe(2);
    const { rowCount } = await backend.database.pool.query("select 1 from delivery_log");
    expect(rowCount).toBe(4);
    expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
  });

  test("takes over from one that is gone, and stands by as long as it is not", async () => {
    const first = await startTestProjector(backend.env);
    await backend.projected(await backend.publish([deliveryEvents(1).created()]));
    await using second = await startTestProjector(backend.env);
    await backend.projected(await backend.publish([deliveryEvents(2).created()]));
    expect(await second.metric("projected_events_total")).toBe(0);
    await first[Symbol.asyncDispose]();
    await backend.projected(await backend.publish([deliveryEvents(3).created()]));
    expect(await second.metric("projected_events_total")).toBe(1);
    expect(await statuses()).toHaveLength(3);
  });
});

describe("when LOG has changed its past", () => {
  test("a stream that was created anew is read from its first message, and nothing is skipped or lost", async () => {
    await using projector = await startTestProjector(backend.env);
    const [before, after] = [deliveryEvents(1), deliveryEvents(2)];
    await backend.projected(await backend.publish([before.created()], [before.succeeded(1)], []));
    const old = await checkpointOf(backend.database);

    await backend.connection.manager.streams.delete("LOG");
    await ensureStreams(backend.connection, STREAM_SETTINGS);
    // What was published before comes once more, as a restored stream would hold it.
    await backend.publish([before.created()], [after.created()]);
    const sequence = await backend.publish([after.succeeded(1)]);
    await waitUntil(async () => (await statuses()).length === 2, {
      describe: "the new stream to be read",
      timeoutMs: 20_000,
    });
    await backend.projected(sequence);

    expect(await statuses()).toEqual(["delivered 1", "delivered 1"]);
    expect(await projector.metric("log_distrusted_total")).toBeGreaterThanOrEqual(1);
    const now = await checkpointOf(backend.database);
    expect(now?.epoch_ms).toBeGreaterThan(old?.epoch_ms ?? 0);
    expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
  }, 40_000);

  test("a stream whose message is not the one that was projected is read again as a later epoch", async () => {
    const [first, second] = [deliveryEvents(1), deliveryEvents(2)];
    {
      await using _projector = await startTestProjector(backend.env);
      await backend.projected(await backend.publish([first.created()], [first.failed(1, NEXT_AT_MS)]));
    }
    const old = await checkpointOf(backend.database);
    await backend.database.db.updateTable("projector_checkpoint").set({ message_fingerprint: "another" }).execute();
    await backend.database.db.deleteFrom("retry_due").execute();

    await using projector = await startTestProjector(backend.env);
    await backend.projected(await backend.publish([second.created()]));
    expect(await projector.metric("log_distrusted_total")).toBe(1);
    const now = await checkpointOf(backend.database);
    expect(now).toMatchObject({ epoch_ms: (old?.epoch_ms ?? 0) + 1, stream_epoch_ms: old?.stream_epoch_ms });
    expect(await statuses()).toEqual(["pending 0", "scheduled 1"]);
    // What the scheduler had released is not resurrected.
    expect(await backend.database.db.selectFrom("retry_due").selectAll().execute()).toEqual([]);
    // What stream and archive have in common is not archived a second time.
    const { rowCount } = await backend.database.pool.query("select 1 from delivery_log");
    expect(rowCount).toBe(3);
  });
});

describe("an outage", () => {
  test("of NATS is waited for, and then the log goes on where it was", async () => {
    await using projector = await startTestProjector(backend.env);
    await backend.projected(await backend.publish([deliveryEvents(1).created()]));
    await backend.nats.server.kill("SIGKILL");
    await waitUntil(() => projector.readiness().dependencies.nats?.status === "down", {
      describe: "NATS to be missed",
    });
    await backend.nats.server.restart();
    await backend.projected(await backend.publish([deliveryEvents(1).succeeded(1)]));
    expect(await statuses()).toEqual(["delivered 1"]);
    expect(await projector.metric("log_distrusted_total")).toBe(0);
  });

  test("of Postgres is reported and waited for, and then nothing is missing", async () => {
    await using projector = await startTestProjector(backend.env);
    await backend.projected(await backend.publish([deliveryEvents(1).created()]));
    const outage = await beginOutage(backend);
    await waitUntil(() => projector.readiness().dependencies.postgres?.status === "down", {
      describe: "Postgres to be missed",
    });
    const sequence = await backend.publish([deliveryEvents(1).succeeded(1)], [deliveryEvents(2).created()]);
    await outage.end();
    await backend.projected(sequence);
    expect(await statuses()).toEqual(["delivered 1", "pending 0"]);
    await waitUntil(() => projector.readiness().status === "ready", { describe: "the projector to be ready again" });
  });
});
