/** The webhooks that a mount shows: those of its own profile. Pages are counted from the newest, as its users know it. */

import type { Database } from "@posthorn/database";
import type { OrgId, ProfileName, WebhookId } from "@posthorn/domain";
import { type Kysely, sql } from "kysely";
import type { Webhook } from "../core/present-webhook.ts";
import { shownWebhook, shownWebhooks } from "../io/webhook-rows.ts";

export type OffsetPage = { readonly skip: number; readonly limit: number };

/** Rows beyond this are not counted: nobody turns so many pages, and counting would read them all. */
export const TOTAL_MAX = 100_000;

export type MountedWebhooks = {
  list(org: OrgId, page: OffsetPage): Promise<{ readonly rows: readonly Webhook[]; readonly total: number }>;
  all(org: OrgId): Promise<readonly Webhook[]>;
  get(org: OrgId, id: WebhookId): Promise<Webhook | undefined>;
  getByExternalId(org: OrgId, externalId: string): Promise<Webhook | undefined>;
};

/** What a list without pages holds at most. */
const LIST_MAX = 10_000;

export function openMountedWebhooks(db: Kysely<Database>, profile: ProfileName): MountedWebhooks {
  const ofOrganisation = (org: OrgId) =>
    shownWebhooks(db).where("webhooks.org_id", "=", org).where("webhooks.profile", "=", profile);
  const newestFirst = (org: OrgId, { skip, limit }: OffsetPage) =>
    ofOrganisation(org)
      .orderBy("webhooks.created_at", "desc")
      .orderBy("webhooks.id", "desc")
      .offset(skip)
      .limit(limit)
      .execute();
  return {
    list: async (org, page) => {
      const rows = await newestFirst(org, page);
      return { rows: rows.map(shownWebhook), total: await countOf(db, org, profile) };
    },
    all: async (org) => (await newestFirst(org, { skip: 0, limit: LIST_MAX })).map(shownWebhook),
    get: async (org, id) => {
      const row = await ofOrganisation(org).where("webhooks.id", "=", id).executeTakeFirst();
      return row === undefined ? undefined : shownWebhook(row);
    },
    getByExternalId: async (org, externalId) => {
      const row = await ofOrganisation(org).where("webhooks.external_id", "=", externalId).executeTakeFirst();
      return row === undefined ? undefined : shownWebhook(row);
    },
  };
}

async function countOf(db: Kysely<Database>, org: OrgId, profile: ProfileName): Promise<number> {
  const counted = db
    .selectFrom("webhooks")
    .select("id")
    .where("org_id", "=", org)
    .where("profile", "=", profile)
    .where("deleted_at", "is", null)
    .limit(TOTAL_MAX)
    .as("counted");
  const { total } = await db.selectFrom(counted).select(sql<number>`count(*)`.as("total")).executeTakeFirstOrThrow();
  return total;
}
