/**
 * Replays: what was asked for, as api wrote it down itself, and how far they have come, as the projector knows. A
 * replay is shown from the moment at which it was promised, however far behind the projection is.
 */

import type { Database, Row } from "@posthorn/database";
import {
  DELIVERY_STATUSES,
  type OrgId,
  parseReplayId,
  parseWebhookId,
  type ReplayId,
  type ReplayStarted,
} from "@posthorn/domain";
import { type Kysely, type RawBuilder, type SqlBool, sql, type Transaction } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
import type { Replay } from "../core/present-replay.ts";
import type { Alongside } from "./alongside.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { recordLogEvents } from "./record-log-events.ts";
import { millisecondsOf, stored, storedOrgId } from "./stored.ts";

export type Replays = {
  start(started: ReplayStarted, alongside: Alongside): Promise<void>;
  get(org: OrgId, id: ReplayId): Promise<Replay | undefined>;
  list(org: OrgId, page: PageRequest): Promise<Page<Replay>>;
};

export function openReplays(db: Kysely<Database>): Replays {
  return {
    start: (started, alongside) =>
      db.transaction().execute(async (transaction) => {
        await forgetProjected(transaction, started.orgId);
        await insertRequest(transaction, started);
        await recordLogEvents(transaction, [started], started.atMs);
        await alongside(transaction);
      }),

    get: async (org, id) => {
      const [row] = await find(db, org, sql<SqlBool>`replay.id = ${id}`, 1);
      return row === undefined ? undefined : replayOf(row);
    },

    list: async (org, { limit, cursor }) => {
      const isOnPage = cursor === undefined ? sql<SqlBool>`true` : olderThan("replay", cursor);
      const rows = await find(db, org, isOnPage, limit + 1);
      return pageOf(rows.map(replayOf), limit, (replay) => replay);
    },
  };
}

/** What the projection knows by now needs no promise any more. */
async function forgetProjected(transaction: Transaction<Database>, org: OrgId): Promise<void> {
  await transaction
    .deleteFrom("replay_requests")
    .where("org_id", "=", org)
    .where("id", "in", transaction.selectFrom("replays").select("id").where("org_id", "=", org))
    .execute();
}

/** The same for all organisations: once retention has forgotten a replay, its promise would look like a new one. */
export async function forgetKeptPromises(db: Kysely<Database>): Promise<void> {
  await db.deleteFrom("replay_requests").where("id", "in", db.selectFrom("replays").select("id")).execute();
}

async function insertRequest(transaction: Transaction<Database>, started: ReplayStarted): Promise<void> {
  await transaction
    .insertInto("replay_requests")
    .values({
      id: started.replayId,
      org_id: started.orgId,
      webhook_id: started.webhookId,
      since: new Date(started.sinceMs),
      until: new Date(started.untilMs),
      statuses: [...started.statuses],
      types: [...started.types],
      started_by: started.by,
      created_at: new Date(started.atMs),
    })
    .execute();
}

type ReplayRow = Omit<Row<"replays">, "partition" | "cursor">;

/** @param condition on `replay`; the newest that meet it come first. */
async function find(
  db: Kysely<Database>,
  org: OrgId,
  condition: RawBuilder<SqlBool>,
  limit: number,
): Promise<readonly ReplayRow[]> {
  const { rows } = await sql<ReplayRow>`
    (
      select id, org_id, webhook_id, since, until, statuses, types, started_by, created_at,
        state, total, done, skipped, finished_at
      from replays replay
      where org_id = ${org} and ${condition}
      order by created_at desc, id desc limit ${limit}
    ) union all (
      select id, org_id, webhook_id, since, until, statuses, types, started_by, created_at,
        'running', null, 0, 0, null
      from replay_requests replay
      where org_id = ${org} and ${condition} and not exists (select from replays where replays.id = replay.id)
      order by created_at desc, id desc limit ${limit}
    )
    order by created_at desc, id desc limit ${limit}`.execute(db);
  return rows;
}

function replayOf(row: ReplayRow): Replay {
  return {
    id: stored(parseReplayId(row.id), "replays.id"),
    orgId: storedOrgId(row.org_id),
    webhookId: stored(parseWebhookId(row.webhook_id), "replays.webhook_id"),
    sinceMs: row.since.getTime(),
    untilMs: row.until.getTime(),
    statuses: row.statuses.map((text) =>
      stored(
        DELIVERY_STATUSES.find((status) => status === text),
        "replays.statuses",
      ),
    ),
    types: row.types,
    startedBy: row.started_by,
    createdAtMs: row.created_at.getTime(),
    state: row.state,
    total: row.total ?? undefined,
    done: row.done,
    skipped: row.skipped,
    finishedAtMs: millisecondsOf(row.finished_at),
  };
}
