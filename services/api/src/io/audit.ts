/** The audit, as the projector keeps it. Read only. */

import type { Database, Row } from "@posthorn/database";
import type { OrgId } from "@posthorn/domain";
import { type Kysely, type SqlBool, sql } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
import type { AuditEntry } from "../core/present-audit-entry.ts";
import type { PageRequest } from "./list-order.ts";

export type AuditFilter = {
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly actor?: string | undefined;
  readonly subjectId?: string | undefined;
};

export type Audit = { list(org: OrgId, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>> };

export function openAudit(db: Kysely<Database>): Audit {
  return {
    list: async (org, filter, { limit, cursor }) => {
      let query = db.selectFrom("audit").selectAll().where("org_id", "=", org);
      if (filter.sinceMs !== undefined) query = query.where("changed_at", ">=", new Date(filter.sinceMs));
      if (filter.untilMs !== undefined) query = query.where("changed_at", "<", new Date(filter.untilMs));
      if (filter.actor !== undefined) query = query.where("actor", "=", filter.actor);
      if (filter.subjectId !== undefined) query = query.where("subject_id", "=", filter.subjectId);
      if (cursor !== undefined) {
        query = query.where(
          sql<SqlBool>`(changed_at, id) < (${new Date(cursor.createdAtMs)}::timestamptz, ${cursor.id})`,
        );
      }
      const rows = await query
        .orderBy("changed_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(entryOf), limit, (entry) => entry);
    },
  };
}

function entryOf(row: Row<"audit">): AuditEntry {
  return {
    id: row.id,
    createdAtMs: row.changed_at.getTime(),
    actor: row.actor,
    action: row.action,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    fields: row.fields,
    requestId: row.request_id,
  };
}
