/** Changes a webhook: what is absent stays, null is the default. */

import type { OrgId, WebhookId } from "@posthorn/domain";
import { changeWebhook, type WebhookInput } from "../core/change-webhook.ts";
import { presentWebhook, type Webhook } from "../core/present-webhook.ts";
import { invalidField, problemOf, type WebhookRefusal } from "../core/webhook-refusal.ts";
import type { UrlProblem } from "../io/check-url.ts";
import type { SecretSealer } from "../io/secret-sealer.ts";
import type { Webhooks } from "../io/webhooks.ts";
import { updateWebhookRoute } from "../schemas/webhook.ts";
import { audited, type ChangedBy, changedBy, fieldsOf } from "./audited.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";
import { sealInput } from "./seal-input.ts";

export type UpdateWebhookPorts = {
  readonly webhooks: Pick<Webhooks, "update">;
  readonly urlProblem: UrlProblem;
  readonly sealer: Pick<SecretSealer, "seal">;
  readonly chance: Chance;
};

/** @param input its fields have been checked one by one, each by its schema. */
export type ChangeWebhook = (
  of: { readonly orgId: OrgId; readonly webhookId: WebhookId },
  input: WebhookInput,
  by: ChangedBy,
) => Promise<{ readonly kind: "updated"; readonly webhook: Webhook } | WebhookRefusal>;

export function webhookChanger({ webhooks, urlProblem, sealer, chance }: UpdateWebhookPorts): ChangeWebhook {
  return async (owner, input, by) => {
    const problem = input.url === undefined ? undefined : await urlProblem(input.url);
    if (problem !== undefined) return invalidField("/url", problem);
    const sealed = await sealInput(sealer, owner, input);
    if (sealed.kind === "signer-unavailable") return sealed;
    const { orgId, webhookId } = owner;
    const audit = { orgId, subjectKind: "webhook", subjectId: webhookId, fields: fieldsOf(input) } as const;
    return webhooks.update(
      orgId,
      webhookId,
      (before) => changeWebhook(input, sealed, before),
      chance.nowMs(),
      audited(by, audit, chance),
    );
  };
}

export function updateWebhook(change: ChangeWebhook): Handler<typeof updateWebhookRoute> {
  return async (request) => {
    const { parameters, body } = request;
    const owner = { orgId: parameters.org, webhookId: parameters.webhook };
    const changed = await change(owner, body, changedBy(updateWebhookRoute, request));
    return changed.kind === "updated" ? done(presentWebhook(changed.webhook, "whole")) : refused(problemOf(changed));
  };
}
