/** Closes a webhook's circuit because its owner says that the receiver is well: what is parked goes out at once. */

import type { Database } from "@posthorn/database";
import type { Kysely } from "kysely";
import type { Webhook } from "../../core/present-webhook.ts";
import type { ChangedBy } from "../../handlers/audited.ts";
import type { Chance } from "../../handlers/chance.ts";
import { recordAudit } from "../../io/record-audit.ts";
import { recordLogEvents } from "../../io/record-log-events.ts";

export type CloseCircuit = (webhook: Webhook, by: ChangedBy) => Promise<void>;

export function circuitCloser(db: Kysely<Database>, chance: Chance): CloseCircuit {
  return async ({ orgId, id: webhookId, health }, by) => {
    if (health.circuit.kind === "closed") return;
    const atMs = chance.nowMs();
    const { generation } = health.circuit;
    await db.transaction().execute(async (transaction) => {
      await recordLogEvents(transaction, [{ kind: "circuit.closed", orgId, webhookId, generation, atMs }], atMs);
      const subject = { subjectKind: "webhook", subjectId: webhookId, fields: ["reset_circuit"] } as const;
      await recordAudit(transaction, { orgId, ...by, ...subject }, chance);
    });
  };
}
