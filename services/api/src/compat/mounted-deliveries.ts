/** Deliveries of one webhook as a mount lists them: pages by offset, each with the whole story of its deliveries. */

import type { Database } from "@posthorn/database";
import { type OrgId, parseDeliveryId, type WebhookId } from "@posthorn/domain";
import { type Kysely, type SqlBool, sql } from "kysely";
import type { DeliveryStory, ReadDelivery } from "../handlers/read-delivery.ts";
import { stored } from "../io/stored.ts";
import { type OffsetPage, TOTAL_MAX } from "./mounted-webhooks.ts";

export type MountedFilter = { readonly event?: string | undefined; readonly success?: boolean | undefined };

export type MountedDeliveries = {
  list(
    of: { readonly orgId: OrgId; readonly webhookId: WebhookId },
    filter: MountedFilter,
    page: OffsetPage,
  ): Promise<
    | { readonly kind: "listed"; readonly stories: readonly DeliveryStory[]; readonly total: number }
    /** NATS cannot say what the payloads are. */
    | { readonly kind: "unavailable" }
  >;
};

/** Stories that are read at the same time. */
const READ_AT_ONCE = 8;

export function openMountedDeliveries(db: Kysely<Database>, readDelivery: ReadDelivery): MountedDeliveries {
  return {
    list: async (of, filter, { skip, limit }) => {
      const rows = await matching(db, of, filter)
        .select("id")
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .offset(skip)
        .limit(limit)
        .execute();
      const counted = matching(db, of, filter).select("id").limit(TOTAL_MAX).as("counted");
      const { total } = await db
        .selectFrom(counted)
        .select(sql<number>`count(*)`.as("total"))
        .executeTakeFirstOrThrow();
      const ids = rows.map((row) => stored(parseDeliveryId(row.id), "deliveries.id"));
      const stories: DeliveryStory[] = [];
      for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
        const read = await Promise.all(ids.slice(at, at + READ_AT_ONCE).map((id) => readDelivery(of.orgId, id)));
        if (read.some(({ kind }) => kind === "unavailable")) return { kind: "unavailable" };
        stories.push(...read.filter((one) => one.kind === "found"));
      }
      return { kind: "listed", stories, total };
    },
  };
}

function matching(
  db: Kysely<Database>,
  { orgId, webhookId }: { readonly orgId: OrgId; readonly webhookId: WebhookId },
  { event, success }: MountedFilter,
) {
  let query = db
    .selectFrom("deliveries")
    .where("webhook_id", "=", webhookId)
    .where("org_id", "=", orgId)
    .where("event_type", "is not", null);
  if (event !== undefined) query = query.where("event_type", "=", event);
  if (success !== undefined) query = query.where(success ? DELIVERED : FAILED_SO_FAR);
  return query;
}

const DELIVERED = sql<SqlBool>`status = 'delivered'`;
/** What has not been tried yet has not failed. */
const FAILED_SO_FAR = sql<SqlBool>`status <> 'delivered' and (attempt_count > 0 or status = 'exhausted')`;
