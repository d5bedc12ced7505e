/** Saves that an event's data is deleted, and cancels the deliveries of it that are open. */

import type { Database } from "@posthorn/database";
import { type DeliveryEvent, decide, type EventId, type OrgId } from "@posthorn/domain";
import type { Kysely, Transaction } from "kysely";
import type { Chance } from "../handlers/chance.ts";
import { insertPayloadDeletion } from "./payload-deletions.ts";
import { type AuditedChange, recordAudit } from "./record-audit.ts";
import { recordLogEvents } from "./record-log-events.ts";
import { storedIdentity, storedState } from "./stored-state.ts";

/** Doing it again cancels what has become known since. */
export type DeletePayload = (
  org: OrgId,
  event: EventId,
  by: Pick<AuditedChange, "actor" | "action" | "requestId">,
) => Promise<void>;

/** Of one event; each goes to one webhook. Read at once. */
const DELIVERIES_READ_MAX = 1_000;

export function payloadDeleter(db: Kysely<Database>, chance: Chance): DeletePayload {
  return (orgId, event, by) =>
    db.transaction().execute(async (transaction) => {
      const nowMs = chance.nowMs();
      const isNew = await insertPayloadDeletion(transaction, orgId, event, nowMs);
      for await (const cancelled of cancellations(transaction, orgId, event, nowMs)) {
        await recordLogEvents(transaction, cancelled, nowMs);
      }
      const subject = { subjectKind: "event", subjectId: event, fields: ["data"] } as const;
      if (isNew) await recordAudit(transaction, { orgId, ...subject, ...by }, chance);
    });
}

async function* cancellations(
  transaction: Transaction<Database>,
  org: OrgId,
  event: EventId,
  nowMs: number,
): AsyncGenerator<readonly DeliveryEvent[]> {
  let after: string | undefined;
  for (;;) {
    let query = transaction
      .selectFrom("deliveries")
      .selectAll()
      .where("event_id", "=", event)
      .where("org_id", "=", org)
      .where("completed_at", "is", null)
      .where("event_type", "is not", null);
    if (after !== undefined) query = query.where("id", ">", after);
    const rows = await query.orderBy("id").limit(DELIVERIES_READ_MAX).execute();
    yield rows.flatMap((row) => decide(storedIdentity(row), CANCEL, storedState(row), nowMs));
    after = rows.at(-1)?.id;
    if (rows.length < DELIVERIES_READ_MAX) return;
  }
}

const CANCEL = { kind: "cancel", reason: "payload_deleted" } as const;
