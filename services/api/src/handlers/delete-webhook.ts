/** Deletes a webhook. Its history stays, its secrets do not. */

import type { OrgId, WebhookId } from "@posthorn/domain";
import { problemOf } from "../core/webhook-refusal.ts";
import type { Webhooks } from "../io/webhooks.ts";
import { deleteWebhookRoute } from "../schemas/webhook.ts";
import { audited, type ChangedBy, changedBy } from "./audited.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type DeleteWebhookPorts = { readonly webhooks: Pick<Webhooks, "remove">; readonly chance: Chance };

export type RemoveWebhook = (
  of: { readonly orgId: OrgId; readonly webhookId: WebhookId },
  by: ChangedBy,
) => Promise<{ readonly kind: "removed" } | { readonly kind: "unknown" }>;

export function webhookRemover({ webhooks, chance }: DeleteWebhookPorts): RemoveWebhook {
  return async ({ orgId, webhookId }, by) => {
    const audit = { orgId, subjectKind: "webhook", subjectId: webhookId, fields: [] } as const;
    const wasThere = await webhooks.remove(orgId, webhookId, chance.nowMs(), audited(by, audit, chance));
    return { kind: wasThere ? "removed" : "unknown" };
  };
}

export function deleteWebhook(remove: RemoveWebhook): Handler<typeof deleteWebhookRoute> {
  return async (request) => {
    const { parameters } = request;
    const owner = { orgId: parameters.org, webhookId: parameters.webhook };
    const removed = await remove(owner, changedBy(deleteWebhookRoute, request));
    return removed.kind === "removed" ? done(undefined) : refused(problemOf(removed));
  };
}
