/** Finds a webhook by the id that Nextmv's users know it by. */

import { type OrgId, parseWebhookId } from "@posthorn/domain";
import type { Webhook } from "../../core/present-webhook.ts";
import { notFound } from "../../core/problems.ts";
import { refused } from "../../handlers/handler.ts";
import type { MountedWebhooks } from "../mounted-webhooks.ts";

export type FindWebhookPorts = { readonly webhooks: Pick<MountedWebhooks, "get" | "getByExternalId"> };

export const WEBHOOK_NOT_FOUND = refused(notFound("webhook"));

/** What was made over the native API has no chosen id; it goes by the one it has. */
export async function findWebhook(
  { webhooks }: FindWebhookPorts,
  org: OrgId,
  externalId: string,
): Promise<Webhook | undefined> {
  const found = await webhooks.getByExternalId(org, externalId);
  const id = parseWebhookId(externalId);
  if (found !== undefined || id === undefined) return found;
  const byOwnId = await webhooks.get(org, id);
  return byOwnId?.externalId === undefined ? byOwnId : undefined;
}
