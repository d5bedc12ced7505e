/** Events as the projector knows them: everything but their data. Read only. */

import type { Database, EventsTable } from "@posthorn/database";
import { type EventId, type OrgId, type PayloadPlace, parseEventId } from "@posthorn/domain";
import type { Kysely, Selectable } from "kysely";
import { stored, storedOrgId } from "./stored.ts";

export type KnownEvent = {
  readonly id: EventId;
  readonly orgId: OrgId;
  readonly type: string;
  /** The publisher's text; undefined when there was none. */
  readonly timestamp: string | undefined;
  readonly acceptedAtMs: number;
  readonly place: PayloadPlace;
};

export type Events = {
  get(org: OrgId, id: EventId): Promise<KnownEvent | undefined>;
  /** The newest one: after the deduplication window a publisher's id names a new event. */
  newestOf(org: OrgId, callerId: string): Promise<KnownEvent | undefined>;
};

export function openEvents(db: Kysely<Database>): Events {
  const ofOrg = (org: OrgId) => db.selectFrom("events").selectAll().where("org_id", "=", org);
  return {
    get: async (org, id) => eventOf(await ofOrg(org).where("id", "=", id).executeTakeFirst()),

    newestOf: async (org, callerId) => {
      const newest = ofOrg(org).where("caller_id", "=", callerId).orderBy("accepted_at", "desc").orderBy("id", "desc");
      return eventOf(await newest.limit(1).executeTakeFirst());
    },
  };
}

function eventOf(row: Selectable<EventsTable> | undefined): KnownEvent | undefined {
  if (row === undefined) return undefined;
  return {
    id: stored(parseEventId(row.id), "events.id"),
    orgId: storedOrgId(row.org_id),
    type: row.type,
    timestamp: row.timestamp ?? undefined,
    acceptedAtMs: row.accepted_at.getTime(),
    place: { epochMs: row.place_epoch_ms, sequence: row.place_sequence, index: row.place_index },
  };
}
