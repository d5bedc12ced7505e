/** The projections of what is no delivery: replays, webhooks taken out of service, the audit. */

import type { PoolClient, Row } from "@posthorn/database";
import {
  DELIVERY_STATUSES,
  parseOrgId,
  parseReplayId,
  parseWebhookId,
  partitionOf,
  type ReplayId,
} from "@posthorn/domain";
import type { AuditRow, DisablingRow } from "../core/fold-batch.ts";
import type { ReplayRecord } from "../core/replay-record.ts";
import { uuidArray } from "./binary-arrays.ts";
import { bulkInsert, type Column, doUpdate, int2, int4, int8, text, textList, timestamp, uuid } from "./bulk-insert.ts";

const CHANGING_REPLAY_COLUMNS: readonly Column<ReplayRecord>[] = [
  text("state", ({ finishedAtMs }) => (finishedAtMs === undefined ? "running" : "finished")),
  int4("total", ({ progress }) => progress?.total),
  int4("done", ({ progress }) => progress?.done ?? 0),
  int4("skipped", ({ progress }) => progress?.skipped ?? 0),
  text("cursor", ({ progress }) => progress?.cursor ?? ""),
  timestamp("finished_at", ({ finishedAtMs }) => finishedAtMs),
];

export const insertReplays = bulkInsert<ReplayRecord>(
  "replays",
  [
    uuid("id", (record) => record.replayId),
    uuid("org_id", (record) => record.orgId),
    int2("partition", (record) => partitionOf(record.orgId)),
    uuid("webhook_id", (record) => record.webhookId),
    timestamp("since", (record) => record.sinceMs),
    timestamp("until", (record) => record.untilMs),
    textList("statuses", (record) => record.statuses),
    textList("types", (record) => record.types),
    text("started_by", (record) => record.by),
    timestamp("created_at", (record) => record.createdAtMs),
    ...CHANGING_REPLAY_COLUMNS,
  ],
  doUpdate(
    "id",
    CHANGING_REPLAY_COLUMNS.map((column) => column.name),
  ),
);

export const insertDisablings = bulkInsert<DisablingRow>(
  "webhook_disablings",
  [
    uuid("webhook_id", (row) => row.webhookId),
    uuid("org_id", (row) => row.orgId),
    text("reason", (row) => row.reason),
    int8("config_version", (row) => row.configVersion),
    timestamp("disabled_at", (row) => row.atMs),
  ],
  "do nothing",
);

export const insertAudit = bulkInsert<AuditRow>(
  "audit",
  [
    text("id", (row) => row.changeId),
    uuid("org_id", (row) => row.orgId),
    timestamp("changed_at", (row) => row.atMs),
    text("actor", (row) => row.actor),
    text("action", (row) => row.action),
    text("subject_kind", (row) => row.subjectKind),
    text("subject_id", (row) => row.subjectId),
    textList("fields", (row) => row.fields),
    text("request_id", (row) => row.requestId),
  ],
  "do nothing",
);

export async function readReplays(
  client: PoolClient,
  ids: readonly ReplayId[],
): Promise<ReadonlyMap<ReplayId, ReplayRecord>> {
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<Row<"replays">>({
    name: "read-replays",
    text: "select * from replays where id = any($1::uuid[])",
    values: [uuidArray(ids)],
  });
  return new Map(rows.map(replayFromRow).map((record) => [record.replayId, record]));
}

/** Throws when the row holds what the projector never writes. */
function replayFromRow(row: Row<"replays">): ReplayRecord {
  const { total, done, skipped, cursor } = row;
  return {
    replayId: known(parseReplayId(row.id), "id"),
    orgId: known(parseOrgId(row.org_id), "org_id"),
    webhookId: known(parseWebhookId(row.webhook_id), "webhook_id"),
    sinceMs: row.since.getTime(),
    untilMs: row.until.getTime(),
    statuses: row.statuses.map((text) =>
      known(
        DELIVERY_STATUSES.find((status) => status === text),
        "statuses",
      ),
    ),
    types: row.types,
    by: row.started_by,
    createdAtMs: row.created_at.getTime(),
    progress: total === null ? undefined : { total, done, skipped, cursor },
    finishedAtMs: row.finished_at?.getTime(),
  };
}

function known<Value>(value: Value | undefined, column: string): Value {
  if (value === undefined) throw new Error(`replays.${column} holds what no event could have put there`);
  return value;
}
