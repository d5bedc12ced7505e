/** Webhooks whose last attempts all failed, as history has it. */

import type { OpenDatabase } from "@posthorn/database";
import type { FailingWebhook } from "../core/failing-webhooks.ts";
import { ids } from "./delivery-rows.ts";

/** The ones of one look; the others come with the next, when these are out of service. */
const ROWS_MAX = 1_000;

const FAILING = `
  select h.webhook_id, h.org_id, h.failing_since, h.last_attempt_at, h.consecutive_failures,
    (select max(config_version) from webhook_disablings d where d.webhook_id = h.webhook_id) as disabled_version
  from webhook_health h
  where h.failing_since <= $1 and h.last_attempt_at > $1
  order by h.failing_since limit ${ROWS_MAX}`;

type FailingRow = {
  readonly webhook_id: string;
  readonly org_id: string;
  readonly failing_since: Date;
  readonly last_attempt_at: Date;
  readonly consecutive_failures: number;
  readonly disabled_version: number | null;
};

/** @param beforeMs they have failed since before this moment, and were tried after it. */
export async function findFailing(pool: OpenDatabase["pool"], beforeMs: number): Promise<readonly FailingWebhook[]> {
  const { rows } = await pool.query<FailingRow>(FAILING, [new Date(beforeMs)]);
  return rows.map((row) => ({
    orgId: ids.org(row.org_id),
    webhookId: ids.webhook(row.webhook_id),
    failingSinceMs: row.failing_since.getTime(),
    lastAttemptAtMs: row.last_attempt_at.getTime(),
    consecutiveFailures: row.consecutive_failures,
    disabledVersion: row.disabled_version ?? undefined,
  }));
}
