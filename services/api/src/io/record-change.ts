/** Notes, in the transaction of a change, that the bucket has to learn of it. */

import type { Database } from "@posthorn/database";
import type { ConfigKey } from "@posthorn/message-bus";
import type { Transaction } from "kysely";

export async function recordChange(
  transaction: Transaction<Database>,
  key: ConfigKey,
  version: number,
  nowMs: number,
): Promise<void> {
  await transaction
    .insertInto("config_outbox")
    .values({ kind: key.kind, org_id: key.orgId, entity_id: key.id, version, created_at: new Date(nowMs) })
    .execute();
}

/** Of a row that has just been made. */
export const FIRST_VERSION = 1;
