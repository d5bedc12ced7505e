/** Organisations in Postgres. */

import type { Database, Row } from "@posthorn/database";
import type { OrgId } from "@posthorn/domain";
import type { Kysely } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
import type { Organisation } from "../core/present-organisation.ts";
import type { Alongside } from "./alongside.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { FIRST_VERSION, recordChange } from "./record-change.ts";
import { storedOrgId } from "./stored.ts";

/** Absent is unchanged. */
export type OrganisationChange = {
  readonly name?: string | undefined;
  readonly strictEventTypes?: boolean | undefined;
};

export type Organisations = {
  insert(organisation: Organisation, alongside: Alongside): Promise<void>;
  exists(org: OrgId): Promise<boolean>;
  get(org: OrgId): Promise<Organisation | undefined>;
  /** @param only undefined: all organisations. */
  list(page: PageRequest, only: OrgId | undefined): Promise<Page<Organisation>>;
  /** Undefined when there is no such organisation. */
  update(
    org: OrgId,
    change: OrganisationChange,
    nowMs: number,
    alongside: Alongside,
  ): Promise<Organisation | undefined>;
};

export function openOrganisations(db: Kysely<Database>): Organisations {
  return {
    insert: ({ id, name, strictEventTypes, createdAtMs }, alongside) =>
      db.transaction().execute(async (transaction) => {
        const created_at = new Date(createdAtMs);
        const row = { id, name, strict_event_types: strictEventTypes, created_at, version: FIRST_VERSION };
        await transaction.insertInto("organisations").values(row).execute();
        await recordChange(transaction, { kind: "organisation", orgId: id, id }, FIRST_VERSION, createdAtMs);
        await alongside(transaction);
      }),

    exists: async (org) => {
      const found = await db.selectFrom("organisations").select("id").where("id", "=", org).executeTakeFirst();
      return found !== undefined;
    },

    get: async (org) => {
      const row = await db.selectFrom("organisations").selectAll().where("id", "=", org).executeTakeFirst();
      return row === undefined ? undefined : organisationOf(row);
    },

    list: async ({ limit, cursor }, only) => {
      let query = db.selectFrom("organisations").selectAll();
      if (only !== undefined) query = query.where("id", "=", only);
      if (cursor !== undefined) query = query.where(olderThan("organisations", cursor));
      const rows = await query
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(organisationOf), limit, (organisation) => organisation);
    },

    update: (org, { name, strictEventTypes }, nowMs, alongside) =>
      db.transaction().execute(async (transaction) => {
        const changes = {
          ...(name === undefined ? {} : { name }),
          ...(strictEventTypes === undefined ? {} : { strict_event_types: strictEventTypes }),
        };
        const row = await transaction
          .updateTable("organisations")
          .set((before) => ({ ...changes, version: before("version", "+", 1) }))
          .where("id", "=", org)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return undefined;
        await recordChange(transaction, { kind: "organisation", orgId: org, id: org }, row.version, nowMs);
        await alongside(transaction);
        return organisationOf(row);
      }),
  };
}

function organisationOf(row: Row<"organisations">): Organisation {
  return {
    id: storedOrgId(row.id),
    name: row.name,
    strictEventTypes: row.strict_event_types,
    createdAtMs: row.created_at.getTime(),
  };
}
