/** Events as the projector knows them: everything but their data. Read only. */

import type { Database, Row } from "@posthorn/database";
import { type EventId, type OrgId, type PayloadPlace, parseEventId } from "@posthorn/domain";
import { type Kysely, type SqlBool, sql } from "kysely";
import { stored, storedOrgId } from "./stored.ts";
import { typeMatches } from "./type-matches.ts";

export type KnownEvent = {
  readonly id: EventId;
  readonly orgId: OrgId;
  readonly type: string;
  /** The publisher's text; undefined when there was none. */
  readonly timestamp: string | undefined;
  readonly acceptedAtMs: number;
  readonly place: PayloadPlace;
};

/** Some of an organisation's events, in the order of acceptance. */
export type EventRange = {
  /** Of the stream in which all of them are. */
  readonly epochMs: number;
  /** Behind this place; undefined: from the oldest that was accepted at `sinceMs` or later. */
  readonly after: Pick<PayloadPlace, "sequence" | "index"> | undefined;
  readonly sinceMs: number;
  /** Up to this message. */
  readonly lastSequence: number;
  /** Sound patterns of which a type has to match one. */
  readonly types: readonly string[];
};

export type Events = {
  get(org: OrgId, id: EventId): Promise<KnownEvent | undefined>;
  /** The newest one: after the deduplication window a publisher's id names a new event. */
  newestOf(org: OrgId, callerId: string): Promise<KnownEvent | undefined>;
  inOrder(org: OrgId, range: EventRange, limit: number): Promise<readonly KnownEvent[]>;
};

export function openEvents(db: Kysely<Database>): Events {
  const ofOrg = (org: OrgId) => db.selectFrom("events").selectAll().where("org_id", "=", org);
  return {
    get: async (org, id) => eventOf(await ofOrg(org).where("id", "=", id).executeTakeFirst()),

    newestOf: async (org, callerId) => {
      const newest = ofOrg(org).where("caller_id", "=", callerId).orderBy("accepted_at", "desc").orderBy("id", "desc");
      return eventOf(await newest.limit(1).executeTakeFirst());
    },

    inOrder: async (org, range, limit) => {
      const { epochMs, after, lastSequence } = range;
      let query = ofOrg(org).where("place_epoch_ms", "=", epochMs).where("place_sequence", "<=", lastSequence);
      if (after === undefined) query = query.where("accepted_at", ">=", new Date(range.sinceMs));
      else query = query.where(isBehind(after));
      const inOrder = query.where(isOfTypes(range.types)).orderBy("place_sequence").orderBy("place_index");
      const rows = await inOrder.limit(limit).execute();
      return rows.map(knownEvent);
    },
  };
}

function isBehind({ sequence, index }: Pick<PayloadPlace, "sequence" | "index">) {
  return sql<SqlBool>`(place_sequence, place_index) > (${sequence}::bigint, ${index}::integer)`;
}

function isOfTypes(patterns: readonly string[]) {
  return sql<SqlBool>`(${sql.join(
    patterns.map((pattern) => typeMatches("type", pattern)),
    sql` or `,
  )})`;
}

function eventOf(row: Row<"events"> | undefined): KnownEvent | undefined {
  return row === undefined ? undefined : knownEvent(row);
}

function knownEvent(row: Row<"events">): KnownEvent {
  return {
    id: stored(parseEventId(row.id), "events.id"),
    orgId: storedOrgId(row.org_id),
    type: row.type,
    timestamp: row.timestamp ?? undefined,
    acceptedAtMs: row.accepted_at.getTime(),
    place: { epochMs: row.place_epoch_ms, sequence: row.place_sequence, index: row.place_index },
  };
}
