/** What the engine wants out of service and is not yet, as the projector knows. Read only. */

import type { Database } from "@posthorn/database";
import { type OrgId, parseWebhookId, type WebhookId } from "@posthorn/domain";
import type { Kysely } from "kysely";
import { stored, storedOrgId } from "./stored.ts";

export type Disabling = {
  readonly orgId: OrgId;
  readonly webhookId: WebhookId;
  readonly reason: string;
  /** The version that was judged. */
  readonly version: number;
};

/** Those of webhooks that nobody has changed since they were judged. */
export type ReadDisablings = (sinceMs: number) => Promise<readonly Disabling[]>;

export function disablingsReader(db: Kysely<Database>): ReadDisablings {
  return async (sinceMs) => {
    const rows = await db
      .selectFrom("webhook_disablings as disabling")
      .innerJoin("webhooks", (join) =>
        join
          .onRef("webhooks.id", "=", "disabling.webhook_id")
          .onRef("webhooks.org_id", "=", "disabling.org_id")
          .onRef("webhooks.version", "=", "disabling.config_version"),
      )
      .select(["disabling.org_id", "disabling.webhook_id", "disabling.reason", "disabling.config_version"])
      .where("disabling.disabled_at", ">=", new Date(sinceMs))
      .where("webhooks.deleted_at", "is", null)
      .execute();
    return rows.map((row) => ({
      orgId: storedOrgId(row.org_id),
      webhookId: stored(parseWebhookId(row.webhook_id), "webhook_disablings.webhook_id"),
      reason: row.reason,
      version: row.config_version,
    }));
  };
}
