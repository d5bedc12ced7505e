/** Organisations in Postgres. */

import type { Database } from "@posthorn/database";
import type { OrgId } from "@posthorn/domain";
import type { Kysely } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
import type { Organisation } from "../core/present-organisation.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { FIRST_VERSION, recordChange } from "./record-change.ts";
import { storedOrgId } from "./stored.ts";

export type Organisations = {
  insert(organisation: Organisation): Promise<void>;
  exists(org: OrgId): Promise<boolean>;
  /** @param only undefined: all organisations. */
  list(page: PageRequest, only: OrgId | undefined): Promise<Page<Organisation>>;
};

export function openOrganisations(db: Kysely<Database>): Organisations {
  return {
    insert: ({ id, name, createdAtMs }) =>
      db.transaction().execute(async (transaction) => {
        const row = { id, name, created_at: new Date(createdAtMs), version: FIRST_VERSION };
        await transaction.insertInto("organisations").values(row).execute();
        await recordChange(transaction, { kind: "organisation", orgId: id, id }, FIRST_VERSION, createdAtMs);
      }),

    exists: async (org) => {
      const found = await db.selectFrom("organisations").select("id").where("id", "=", org).executeTakeFirst();
      return found !== undefined;
    },

    list: async ({ limit, cursor }, only) => {
      let query = db.selectFrom("organisations").select(["id", "name", "created_at"]);
      if (only !== undefined) query = query.where("id", "=", only);
      if (cursor !== undefined) query = query.where(olderThan("organisations", cursor));
      const rows = await query
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      const found = rows.map((row) => ({
        id: storedOrgId(row.id),
        name: row.name,
        createdAtMs: row.created_at.getTime(),
      }));
      return pageOf(found, limit, (organisation) => organisation);
    },
  };
}
