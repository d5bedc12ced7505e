/** Streams that fill up: what nobody needs goes, what somebody needs stays. */

import { randomUUID } from "node:crypto";
import type { OrgId, WebhookId } from "@posthorn/domain";
import {
  ensureStreams,
  STREAM_BYTES_MAX_DEFAULT,
  streamFill,
  streamPosition,
  subjectOf,
  type TakenMessage,
  WorkSource,
} from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeRoom } from "./handlers/make-room.ts";
import { openSchedulerTest, orgOfPartition, type SchedulerTest } from "./scheduler.fixture.ts";

const PARTITION = 6;
const BYTES_MAX = 400_000;
const MESSAGE_BYTES = 4_000;
/** Behind everything that a stream remembers by its id. */
const LATER_MS = 11 * 60_000;

const stack = new AsyncDisposableStack();
let test: SchedulerTest;
let told: string[];

beforeAll(async () => {
  test = await openSchedulerTest(stack);
  const bytesMax = { ...STREAM_BYTES_MAX_DEFAULT, INGEST: BYTES_MAX, LOG: BYTES_MAX };
  await ensureStreams(test.connection, { replicas: 1, bytesMax });
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  await test.reset();
  for (const stream of ["INGEST", "LOG"]) {
    for await (const { name } of test.connection.manager.consumers.list(stream)) {
      await test.connection.manager.consumers.delete(stream, name);
    }
  }
  told = [];
});

async function fill(stream: "INGEST" | "LOG", share: number, partition = PARTITION): Promise<void> {
  const payload = Buffer.alloc(MESSAGE_BYTES);
  const count = Math.ceil((BYTES_MAX * share) / (MESSAGE_BYTES + 40));
  for (let sent = 0; sent < count; sent += 1) {
    const published = await test.publisher.publish({ subject: subjectOf(stream, partition), payload, id: undefined });
    expect(published.kind).toBe("stored");
  }
}

/** A durable of the name that every replica of the service uses; it has acknowledged everything up to a sequence. */
async function durable(stream: "INGEST" | "LOG", worker: string, partition: number, ackedUpTo = 0): Promise<void> {
  const name = `${worker}-${stream.toLowerCase()}-${partition}`;
  await test.connection.manager.consumers.add(stream, {
    durable_name: name,
    ack_policy: "explicit",
    filter_subject: subjectOf(stream, partition),
    opt_start_seq: ackedUpTo + 1,
    deliver_policy: "by_start_sequence",
  } as const);
}

/** The projection has everything that LOG holds. */
async function projectAll(): Promise<void> {
  const { epochMs, lastSequence } = await streamPosition(test.connection, "LOG");
  await test.pool.query("delete from projector_checkpoint");
  for (let partition = 0; partition < 8; partition += 1) {
    await test.pool.query("insert into projector_checkpoint values ($1, $2, $2, $3, null)", [
      partition,
      epochMs,
      lastSequence,
    ]);
  }
}

async function workedOff(stream: "INGEST" | "LOG", worker: string): Promise<void> {
  const { lastSequence } = await streamPosition(test.connection, stream);
  for (let partition = 0; partition < 8; partition += 1) await durable(stream, worker, partition, lastSequence);
}

async function room(afterMs = LATER_MS, followsLog = true): Promise<void> {
  await makeRoom({
    pool: test.ownPool,
    connection: test.connection,
    followsLog: () => followsLog,
    nowMs: () => Date.now() + afterMs,
    events: {
      filled: () => {},
      purged: (stream, messages) => told.push(`${stream}: ${messages} purged`),
      roomNotMade: (stream, reason) => told.push(`${stream}: ${reason}`),
    },
  });
}

const openDelivery = async (sequence: number, changes = {}) => {
  const { epochMs } = await streamPosition(test.connection, "INGEST");
  const orgId: OrgId = orgOfPartition(PARTITION);
  return test.rows.delivery({ orgId, place: { epochMs, sequence }, ...changes });
};

describe("INGEST that fills up", () => {
  it("is left alone until four fifths of its bytes are taken", async () => {
    await fill("INGEST", 0.7);
    await workedOff("INGEST", "matcher");
    await projectAll();
    await room();
    expect(told).toEqual([]);
  });

  it("loses the oldest quarter that nobody needs, and takes new events again", async () => {
    await fill("INGEST", 0.85);
    await workedOff("INGEST", "matcher");
    await projectAll();
    const before = await streamFill(test.connection, "INGEST");
    await room();
    const after = await streamFill(test.connection, "INGEST");
    expect(after.firstSequence - before.firstSequence).toBe(
      Math.ceil((before.lastSequence - before.firstSequence) / 4),
    );
    expect(told).toEqual([`INGEST: ${after.firstSequence - before.firstSequence} purged`]);
    expect(after.bytes).toBeLessThan(BYTES_MAX * 0.8);
  });

  it("keeps what an open delivery needs", async () => {
    await fill("INGEST", 0.85);
    await workedOff("INGEST", "matcher");
    await projectAll();
    const { firstSequence } = await streamPosition(test.connection, "INGEST");
    await openDelivery(firstSequence + 3);
    await openDelivery(firstSequence + 1, { completedAtMs: Date.now() });
    await room();
    expect(told).toEqual(["INGEST: 3 purged"]);
    await fill("INGEST", 0.03);
    await room();
    expect(told).toEqual(["INGEST: 3 purged", "INGEST: everything in it is needed"]);
  });

  it("keeps what a running replay has in its range", async () => {
    await fill("INGEST", 0.85);
    await workedOff("INGEST", "matcher");
    await projectAll();
    const { firstSequence } = await streamPosition(test.connection, "INGEST");
    const webhookId = randomUUID() as WebhookId;
    await openDelivery(firstSequence + 2, { webhookId, completedAtMs: Date.now() });
    await test.pool.query(
      `insert into replays (id, org_id, partition, webhook_id, since, until, statuses, types, started_by, state, done,
         skipped, cursor, created_at)
       values ($1, $1, 6, $2, now() - interval '1 day', now(), '{}', '{}', 'root', 'running', 0, 0, '', now())`,
      [randomUUID(), webhookId],
    );
    await room();
    expect(told).toEqual(["INGEST: 2 purged"]);
  });

  it("keeps what has not been matched", async () => {
    await fill("INGEST", 0.85);
    await projectAll();
    using source = await WorkSource.open(test.connection, {
      stream: "INGEST",
      worker: "matcher",
      prefetchMax: 8,
      leaseMs: 30_000,
      onTrouble: () => {},
    });
    const taken: TakenMessage[] = [];
    while (taken.length < 6) {
      await source.available();
      taken.push(...source.take(6 - taken.length));
    }
    const { firstSequence } = await streamPosition(test.connection, "INGEST");
    for (const message of taken) if (message.sequence !== firstSequence + 3) message.ack();
    await test.connection.nats.flush();
    await room();
    expect(told).toEqual(["INGEST: 3 purged"]);
  });

  it("keeps everything while no matcher has ever been there", async () => {
    await fill("INGEST", 0.85);
    await projectAll();
    await room();
    expect(told).toEqual(["INGEST: everything in it is needed"]);
  });

  it("keeps what it remembers by its id", async () => {
    await fill("INGEST", 0.85);
    await workedOff("INGEST", "matcher");
    await projectAll();
    await room(0);
    expect(told).toEqual(["INGEST: it remembers the ids of all that could go"]);
  });
});

describe("LOG that fills up", () => {
  it("loses the oldest quarter once it is archived and read by whoever follows it", async () => {
    await fill("LOG", 0.85);
    await workedOff("LOG", "scheduler");
    await projectAll();
    const { firstSequence, lastSequence } = await streamPosition(test.connection, "LOG");
    await room();
    expect(told).toEqual([`LOG: ${Math.ceil((lastSequence - firstSequence) / 4)} purged`]);
  });

  it("keeps what is not archived, of every partition", async () => {
    await fill("LOG", 0.4);
    await fill("LOG", 0.45, 2);
    await workedOff("LOG", "scheduler");
    await projectAll();
    const { firstSequence } = await streamPosition(test.connection, "LOG");
    await test.pool.query("update projector_checkpoint set sequence = $1 where partition = $2", [
      firstSequence + 4,
      PARTITION,
    ]);
    await room();
    expect(told).toEqual(["LOG: 5 purged"]);
  });

  it("keeps everything that another stream's checkpoint is about, or one behind its end", async () => {
    await fill("LOG", 0.85);
    await workedOff("LOG", "scheduler");
    await projectAll();
    await test.pool.query("update projector_checkpoint set stream_epoch_ms = 5 where partition = $1", [PARTITION]);
    await room();
    await projectAll();
    await test.pool.query("update projector_checkpoint set sequence = sequence + 1 where partition = 0");
    await room();
    expect(told).toEqual(["LOG: everything in it is needed", "LOG: the projection has not caught up with it"]);
  });

  it("keeps what has not been read for operational events, if anybody subscribes to them", async () => {
    await fill("LOG", 0.85);
    await projectAll();
    await durable("LOG", "scheduler", PARTITION);
    await room();
    expect(told).toEqual(["LOG: everything in it is needed"]);
    const { firstSequence, lastSequence } = await streamPosition(test.connection, "LOG");
    const nobodySubscribes = false;
    await room(LATER_MS, nobodySubscribes);
    expect(told.slice(1)).toEqual([`LOG: ${Math.ceil((lastSequence - firstSequence) / 4)} purged`]);
  });
});
