/** Gives a webhook a new secret. The former ones go on signing for as long as they overlap. */

import type { OrgId, WebhookId } from "@posthorn/domain";
import { presentWebhook, type Webhook } from "../core/present-webhook.ts";
import { rotatedSecrets } from "../core/rotate-secrets.ts";
import { invalidField, problemOf, type WebhookRefusal } from "../core/webhook-refusal.ts";
import type { Alongside } from "../io/alongside.ts";
import type { SecretSealer } from "../io/secret-sealer.ts";
import { givenOrNewSecret, SECRET_RANDOM_BYTES } from "../io/signing-secret.ts";
import type { Webhooks } from "../io/webhooks.ts";
import { rotateSecretRoute } from "../schemas/webhook.ts";
import { audited, type ChangedBy, changedBy, fieldsOf, together } from "./audited.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type RotateSecretPorts = {
  readonly webhooks: Pick<Webhooks, "get" | "rotate">;
  readonly sealer: Pick<SecretSealer, "seal">;
  readonly chance: Chance;
};

/** Null and absent are the default of each. */
export type RotationInput = {
  /** Else one is made. */
  readonly secret?: string | null | undefined;
  /** Else a day. */
  readonly overlap_s?: number | null | undefined;
  /** Which secret makes a header that holds one signature only, while several sign; else the old one. */
  readonly legacy_signs_with?: "old" | "new" | null | undefined;
};

const OVERLAP_S_DEFAULT = 86_400;

export type RotatedWebhook = { readonly webhook: Webhook; readonly secret: string };

export type RotateSecret = (
  of: { readonly orgId: OrgId; readonly webhookId: WebhookId },
  input: RotationInput,
  by: ChangedBy,
  alongside: (rotated: RotatedWebhook) => Alongside,
) => Promise<({ readonly kind: "rotated" } & RotatedWebhook) | WebhookRefusal>;

export function secretRotator({ webhooks, sealer, chance }: RotateSecretPorts): RotateSecret {
  return async (owner, input, by, alongside) => {
    const { orgId, webhookId } = owner;
    const before = await webhooks.get(orgId, webhookId);
    if (before === undefined) return { kind: "unknown" };
    const signingSecret = givenOrNewSecret(before.signing, input.secret, chance.randomBytes(SECRET_RANDOM_BYTES));
    if (signingSecret.kind === "unfit") return invalidField("/secret", signingSecret.message);
    const { secret, publicKey } = signingSecret;
    const sealed = await sealer.seal(owner, "signing", secret);
    if (sealed.kind === "signer-unavailable") return sealed;
    const nowMs = chance.nowMs();
    const overlapMs = (input.overlap_s ?? OVERLAP_S_DEFAULT) * 1_000;
    const audit = { orgId, subjectKind: "webhook", subjectId: webhookId, fields: fieldsOf(input) } as const;
    const webhook = await webhooks.rotate(
      orgId,
      webhookId,
      ({ secrets, hasSecret }) => ({
        // A secret that nobody was told has nothing to overlap with.
        secrets: rotatedSecrets(secrets, sealed.ciphertext, { nowMs, overlapMs: hasSecret ? overlapMs : 0 }),
        publicKey,
        legacySignsWith: input.legacy_signs_with ?? "old",
      }),
      nowMs,
      (rotated) => together(audited(by, audit, chance), alongside({ webhook: rotated, secret })),
    );
    return webhook === undefined ? { kind: "unknown" } : { kind: "rotated", webhook, secret };
  };
}

export function rotateSecret(rotate: RotateSecret): Handler<typeof rotateSecretRoute> {
  return async (request) => {
    const { parameters, body, keep } = request;
    const owner = { orgId: parameters.org, webhookId: parameters.webhook };
    const answerOf = ({ webhook, secret }: RotatedWebhook) => done({ ...presentWebhook(webhook, "whole"), secret });
    const by = changedBy(rotateSecretRoute, request);
    const rotated = await rotate(owner, body, by, (result) => keep(answerOf(result)));
    return rotated.kind === "rotated" ? answerOf(rotated) : refused(problemOf(rotated));
  };
}
