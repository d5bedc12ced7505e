/** Keys of webhooks in the configuration bucket. */

import { type OrgId, parseOrgId, parseWebhookId, type WebhookId } from "@posthorn/domain";

export type WebhookKey = { readonly orgId: OrgId; readonly webhookId: WebhookId };

/** `webhook.<org>.<id>`; undefined for the keys of everything else. */
export function parseWebhookKey(key: string): WebhookKey | undefined {
  const [kind, org = "", webhook = ""] = key.split(".");
  if (kind !== "webhook") return undefined;
  const orgId = parseOrgId(org);
  const webhookId = parseWebhookId(webhook);
  return orgId === undefined || webhookId === undefined ? undefined : { orgId, webhookId };
}
