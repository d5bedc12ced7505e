/**
 * Writes log events beside a change, in its transaction, from where they are brought into LOG: the change and what is
 * logged of it are saved together or not at all.
 */

import { encodeLogEvents } from "@posthorn/contracts";
import type { Database } from "@posthorn/database";
import { type LogEvent, logEventId } from "@posthorn/domain";
import type { Transaction } from "kysely";

/** Rows of one statement: far from the number of parameters that the protocol can count. */
const ROWS_MAX = 1_000;

/** @param events each becomes one row and one message; their order is kept within an organisation. */
export async function recordLogEvents(
  transaction: Transaction<Database>,
  events: readonly LogEvent[],
  nowMs: number,
): Promise<void> {
  const created_at = new Date(nowMs);
  for (let start = 0; start < events.length; start += ROWS_MAX) {
    const rows = events.slice(start, start + ROWS_MAX).map((event) => ({
      org_id: event.orgId,
      log_id: logEventId(event),
      bytes: Buffer.from(encodeLogEvents([event])),
      created_at,
    }));
    await transaction.insertInto("log_outbox").values(rows).execute();
  }
}
