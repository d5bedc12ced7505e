/** Tells the current secret of a webhook that was created under the term that it may be asked for again. */

import type { OrgId, WebhookId } from "@posthorn/domain";
import type { SecretSealer } from "../io/secret-sealer.ts";
import type { Webhooks } from "../io/webhooks.ts";

export type RevealSecretPorts = {
  readonly webhooks: Pick<Webhooks, "secretsOf">;
  readonly sealer: Pick<SecretSealer, "reveal">;
};

export type RevealSecret = (of: { readonly orgId: OrgId; readonly webhookId: WebhookId }) => Promise<
  | { readonly kind: "revealed"; readonly secret: string }
  /** There is no such webhook, or none that tells its secret. */
  | { readonly kind: "unknown" }
  | { readonly kind: "signer-unavailable" }
>;

export function secretRevealer({ webhooks, sealer }: RevealSecretPorts): RevealSecret {
  return async (owner) => {
    const state = await webhooks.secretsOf(owner.orgId, owner.webhookId);
    const current = state?.secrets[0];
    if (current === undefined || state?.isReadable !== true) return { kind: "unknown" };
    return sealer.reveal(owner, current.ciphertext);
  };
}
