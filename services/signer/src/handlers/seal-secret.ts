/** SealSecret: encrypts a new secret for storage. The ciphertext opens for this organisation's webhook only. */

import { status } from "@grpc/grpc-js";
import type { SealSecretRequest, SealSecretResponse } from "@posthorn/contracts";
import { limits, parseOrgId, parseWebhookId } from "@posthorn/domain";
import type { RpcResult } from "@posthorn/service-runtime";
import { type MasterKey, sealSecret as seal } from "../core/sealing.ts";
import type { SignerEvents } from "../events.ts";

export function sealSecret(
  request: SealSecretRequest,
  {
    masterKey,
    events,
    newNonce,
  }: {
    readonly masterKey: MasterKey;
    readonly events: Pick<SignerEvents, "secretSealed">;
    /** Gives 12 fresh random bytes at every call. */
    readonly newNonce: () => Uint8Array;
  },
): RpcResult<SealSecretResponse> {
  const orgId = parseOrgId(request.orgId);
  if (orgId === undefined) return invalid("org_id must be a UUID.");
  const webhookId = parseWebhookId(request.webhookId);
  if (webhookId === undefined) return invalid("webhook_id must be a UUID.");
  const { length } = request.secret;
  const { SECRET_LENGTH_MIN, SECRET_LENGTH_MAX } = limits;
  if (length < SECRET_LENGTH_MIN || length > SECRET_LENGTH_MAX) {
    return invalid(`secret must have ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} characters, has ${length}.`);
  }
  const ciphertext = seal(masterKey, { orgId, webhookId }, request.secret, newNonce());
  events.secretSealed();
  return { kind: "response", response: { ciphertext } };
}

function invalid(detail: string): RpcResult<never> {
  return { kind: "refusal", code: status.INVALID_ARGUMENT, detail };
}
