/** Saves what a person made happen together with who it was: it reaches LOG by its outbox. */

import type { Database } from "@posthorn/database";
import type { LogEvent } from "@posthorn/domain";
import type { Kysely } from "kysely";
import type { Chance } from "../handlers/chance.ts";
import { type AuditedChange, recordAudit } from "./record-audit.ts";
import { recordLogEvents } from "./record-log-events.ts";

export type RecordDecision = (events: readonly LogEvent[], change: AuditedChange) => Promise<void>;

export function decisionRecorder(db: Kysely<Database>, chance: Chance): RecordDecision {
  return (events, change) =>
    db.transaction().execute(async (transaction) => {
      await recordLogEvents(transaction, events, chance.nowMs());
      await recordAudit(transaction, change, chance);
    });
}
