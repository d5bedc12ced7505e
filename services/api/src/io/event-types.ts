/** The catalogue of event types in Postgres. Names are unique among those that are not deleted. */

import type { Database, Row } from "@posthorn/database";
import { type EventTypeId, type OrgId, parseEventTypeId } from "@posthorn/domain";
import type { Kysely, Transaction, UpdateObject } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
import type { EventType } from "../core/present-event-type.ts";
import type { Alongside } from "./alongside.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { FIRST_VERSION, recordChange } from "./record-change.ts";
import { stored } from "./stored.ts";
import { isUniqueViolation } from "./unique-violation.ts";

export type NewEventType = Omit<EventType, "updatedAtMs"> & { readonly orgId: OrgId };

/** Absent is unchanged, null is none. */
export type EventTypeChange = {
  readonly description?: string | null | undefined;
  readonly schema?: Readonly<Record<string, unknown>> | null | undefined;
};

export type EventTypes = {
  insert(eventType: NewEventType, alongside: Alongside): Promise<"inserted" | "name-taken">;
  list(org: OrgId, page: PageRequest): Promise<Page<EventType>>;
  get(org: OrgId, id: EventTypeId): Promise<EventType | undefined>;
  /** Undefined when there is no such type. */
  update(
    org: OrgId,
    id: EventTypeId,
    change: EventTypeChange,
    nowMs: number,
    alongside: Alongside,
  ): Promise<EventType | undefined>;
  /** False when there is no such type. */
  remove(org: OrgId, id: EventTypeId, nowMs: number, alongside: Alongside): Promise<boolean>;
};

export function openEventTypes(db: Kysely<Database>): EventTypes {
  return {
    insert: async (eventType, alongside) => {
      try {
        await db.transaction().execute(async (transaction) => {
          await insert(transaction, eventType);
          await alongside(transaction);
        });
        return "inserted";
      } catch (error) {
        if (isUniqueViolation(error)) return "name-taken";
        throw error;
      }
    },

    list: async (org, { limit, cursor }) => {
      let query = present(db, org);
      if (cursor !== undefined) query = query.where(olderThan("event_types", cursor));
      const rows = await query
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(eventTypeOf), limit, (eventType) => eventType);
    },

    get: async (org, id) => {
      const row = await present(db, org).where("id", "=", id).executeTakeFirst();
      return row === undefined ? undefined : eventTypeOf(row);
    },

    update: (org, id, { description, schema }, nowMs, alongside) =>
      db.transaction().execute(async (transaction) => {
        const changes = {
          ...(description === undefined ? {} : { description }),
          ...(schema === undefined ? {} : { schema: schema === null ? null : JSON.stringify(schema) }),
        };
        const row = await write(transaction, org, id, changes, nowMs);
        if (row !== undefined) await alongside(transaction);
        return row === undefined ? undefined : eventTypeOf(row);
      }),

    remove: (org, id, nowMs, alongside) =>
      db.transaction().execute(async (transaction) => {
        const row = await write(transaction, org, id, { deleted_at: new Date(nowMs) }, nowMs);
        if (row !== undefined) await alongside(transaction);
        return row !== undefined;
      }),
  };
}

function present(db: Kysely<Database>, org: OrgId) {
  return db.selectFrom("event_types").selectAll().where("org_id", "=", org).where("deleted_at", "is", null);
}

async function insert(transaction: Transaction<Database>, eventType: NewEventType): Promise<void> {
  const { id, orgId, createdAtMs, schema } = eventType;
  const createdAt = new Date(createdAtMs);
  await transaction
    .insertInto("event_types")
    .values({
      id,
      org_id: orgId,
      name: eventType.name,
      description: eventType.description ?? null,
      schema: schema === undefined ? null : JSON.stringify(schema),
      created_at: createdAt,
      updated_at: createdAt,
      version: FIRST_VERSION,
    })
    .execute();
  await recordChange(transaction, { kind: "event-type", orgId, id }, FIRST_VERSION, createdAtMs);
}

/** Makes the next version of a row that is not deleted; undefined when there is none. */
async function write(
  transaction: Transaction<Database>,
  orgId: OrgId,
  id: EventTypeId,
  columns: UpdateObject<Database, "event_types">,
  nowMs: number,
): Promise<Row<"event_types"> | undefined> {
  const written = await transaction
    .updateTable("event_types")
    .set((row) => ({ ...columns, updated_at: new Date(nowMs), version: row("version", "+", 1) }))
    .where("id", "=", id)
    .where("org_id", "=", orgId)
    .where("deleted_at", "is", null)
    .returningAll()
    .executeTakeFirst();
  if (written === undefined) return undefined;
  await recordChange(transaction, { kind: "event-type", orgId, id }, written.version, nowMs);
  return written;
}

function eventTypeOf(row: Row<"event_types">): EventType {
  return {
    id: stored(parseEventTypeId(row.id), "event_types.id"),
    name: row.name,
    description: row.description ?? undefined,
    schema: row.schema === null ? undefined : schemaOf(row.schema),
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

/** Only objects are stored. */
function schemaOf(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(text);
}
