/** Notes who changed what, in the transaction of the change: what is audited has happened, and what happened is audited. */

import type { Database } from "@posthorn/database";
import { type OrgId, uuidv7 } from "@posthorn/domain";
import type { Transaction } from "kysely";
import type { AuditSubject } from "../core/present-audit-entry.ts";
import type { Chance } from "../handlers/chance.ts";
import { recordLogEvents } from "./record-log-events.ts";

export type AuditedChange = {
  readonly orgId: OrgId;
  /** See `actorOf`. */
  readonly actor: string;
  /** The operation of the route, such as `createWebhook`. */
  readonly action: string;
  readonly subjectKind: AuditSubject;
  readonly subjectId: string;
  /** The names of what was given or changed, never a value. */
  readonly fields: readonly string[];
  readonly requestId: string;
};

const ID_RANDOM_BYTES = 10;

export async function recordAudit(
  transaction: Transaction<Database>,
  change: AuditedChange,
  { nowMs, randomBytes }: Chance,
): Promise<void> {
  const atMs = nowMs();
  const changeId = uuidv7(atMs, randomBytes(ID_RANDOM_BYTES));
  await recordLogEvents(transaction, [{ kind: "configuration.changed", atMs, changeId, ...change }], atMs);
}
