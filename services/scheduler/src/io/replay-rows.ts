/** Replays that run, and the deliveries in their ranges. */

import type { OpenDatabase } from "@posthorn/database";
import { DELIVERY_STATUSES, type DeliveryStatus } from "@posthorn/domain";
import { parseCursor, type Replay, type ReplayedDelivery } from "../core/replay-page.ts";
import { ids, profileFrom } from "./delivery-rows.ts";

export type ReplayRows = {
  /** Of the partitions: of each organisation its oldest, a few at a time, and in turn with those of others. */
  running(partitions: readonly number[]): Promise<readonly Replay[]>;
  /** How many deliveries the range holds of each type, of the statuses that the replay is about. */
  countByType(replay: Replay): Promise<ReadonlyMap<string, number>>;
  /** What comes behind the cursor, in its order. */
  readPage(replay: Replay, types: readonly string[], rowsMax: number): Promise<readonly ReplayedDelivery[]>;
};

/** Replays of an organisation that are worked at once: however many it starts, those of others have their turn. */
export const REPLAYS_PER_ORG_MAX = 4;

const RUNNING = `
  select id, org_id, partition, webhook_id, since, least(until, created_at) as until, statuses, types, total, done,
    skipped, cursor
  from (
    select *, row_number() over (partition by org_id order by created_at, id) as turn
    from replays where state = 'running' and partition = any($1::smallint[])
  ) in_turn
  where turn <= ${REPLAYS_PER_ORG_MAX} order by turn, created_at`;

/** Neither tests nor what a replay made. `$4`: statuses; none: all. */
const IN_RANGE = `
  d.webhook_id = $1 and d.created_at >= $2 and d.created_at < $3 and not d.test and d.replay_id is null
    and d.event_type is not null and (cardinality($4::text[]) = 0 or d.status = any($4))`;

const COUNT_BY_TYPE = `
  select event_type, count(*)::int as deliveries from deliveries d where ${IN_RANGE} group by event_type`;

const PAGE = `
  select d.id, d.event_id, d.created_at, d.completed_at, d.event_type, d.profile, d.event_type_prefix, d.accepted_at,
    d.place_epoch_ms, d.place_sequence, d.place_index, d.traceparent, e.timestamp, e.caller_id
  from deliveries d left join events e on e.id = d.event_id
  where ${IN_RANGE} and d.event_type = any($5::text[]) and (d.created_at, d.id) > ($6::timestamptz, $7::uuid)
  order by d.created_at, d.id limit $8`;

/** Before every delivery. */
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

export function openReplayRows(pool: OpenDatabase["pool"]): ReplayRows {
  return {
    running: async (partitions) => {
      const { rows } = await pool.query<ReplayRow>(RUNNING, [partitions]);
      return rows.map(replayFromRow);
    },
    countByType: async (replay) => {
      const { rows } = await pool.query<{ event_type: string; deliveries: number }>(COUNT_BY_TYPE, rangeOf(replay));
      return new Map(rows.map((row) => [row.event_type, row.deliveries]));
    },
    readPage: async (replay, types, rowsMax) => {
      const cursor = parseCursor(replay.cursor);
      const behind = [new Date(cursor?.createdAtMs ?? replay.sinceMs), cursor?.deliveryId ?? FIRST_ID];
      const { rows } = await pool.query<ReplayedRow>(PAGE, [...rangeOf(replay), types, ...behind, rowsMax]);
      return rows.map(replayedFromRow);
    },
  };
}

function rangeOf({ webhookId, sinceMs, untilMs, statuses }: Replay): unknown[] {
  return [webhookId, new Date(sinceMs), new Date(untilMs), statuses];
}

type ReplayRow = {
  readonly id: string;
  readonly org_id: string;
  readonly partition: number;
  readonly webhook_id: string;
  readonly since: Date;
  readonly until: Date;
  readonly statuses: readonly string[];
  readonly types: readonly string[];
  readonly total: number | null;
  readonly done: number;
  readonly skipped: number;
  readonly cursor: string;
};

function replayFromRow(row: ReplayRow): Replay {
  return {
    id: ids.replay(row.id),
    orgId: ids.org(row.org_id),
    partition: row.partition,
    webhookId: ids.webhook(row.webhook_id),
    sinceMs: row.since.getTime(),
    untilMs: row.until.getTime(),
    statuses: row.statuses.filter(isStatus),
    types: row.types,
    total: row.total ?? undefined,
    done: row.done,
    skipped: row.skipped,
    cursor: row.cursor,
  };
}

function isStatus(text: string): text is DeliveryStatus {
  return DELIVERY_STATUSES.some((status) => status === text);
}

type ReplayedRow = {
  readonly id: string;
  readonly event_id: string;
  readonly created_at: Date;
  readonly completed_at: Date | null;
  readonly event_type: string;
  readonly profile: string | null;
  readonly event_type_prefix: string | null;
  readonly accepted_at: Date | null;
  readonly place_epoch_ms: number | null;
  readonly place_sequence: number | null;
  readonly place_index: number | null;
  readonly traceparent: string | null;
  readonly timestamp: string | null;
  readonly caller_id: string | null;
};

function replayedFromRow(row: ReplayedRow): ReplayedDelivery {
  return {
    deliveryId: ids.delivery(row.id),
    eventId: ids.event(row.event_id),
    createdAtMs: row.created_at.getTime(),
    hasEnded: row.completed_at !== null,
    order: orderFromRow(row),
  };
}

/** What a delivery's creation says is null as long as that has not been seen. */
function orderFromRow(row: ReplayedRow): ReplayedDelivery["order"] {
  const { profile, accepted_at, place_epoch_ms, place_sequence, place_index, traceparent } = row;
  if (profile === null || accepted_at === null || traceparent === null) return undefined;
  if (place_epoch_ms === null || place_sequence === null || place_index === null) return undefined;
  return {
    profile: profileFrom(profile),
    eventTypePrefix: row.event_type_prefix ?? "",
    event: {
      type: row.event_type,
      timestamp: row.timestamp ?? undefined,
      acceptedAtMs: accepted_at.getTime(),
      callerId: row.caller_id ?? undefined,
      place: { epochMs: place_epoch_ms, sequence: place_sequence, index: place_index },
      traceparent,
    },
  };
}
