/** Whether a webhook can get deliveries that a person asks for. */

import type { Database } from "@posthorn/database";
import type { OrgId, WebhookId } from "@posthorn/domain";
import type { Kysely } from "kysely";

/** `disabled`: by the engine. What is paused by a person is `present`: its deliveries wait. */
export type WebhookStanding = "unknown" | "deleted" | "disabled" | "present";

export type ReadWebhookStanding = (org: OrgId, id: WebhookId) => Promise<WebhookStanding>;

export function webhookStandingReader(db: Kysely<Database>): ReadWebhookStanding {
  return async (org, id) => {
    const row = await db
      .selectFrom("webhooks")
      .select(["deleted_at", "is_active", "disabled_reason"])
      .where("id", "=", id)
      .where("org_id", "=", org)
      .executeTakeFirst();
    if (row === undefined) return "unknown";
    if (row.deleted_at !== null) return "deleted";
    return !row.is_active && row.disabled_reason !== null ? "disabled" : "present";
  };
}
