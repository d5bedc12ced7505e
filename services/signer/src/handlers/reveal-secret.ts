/**
 * RevealSecret: opens a signing secret for its owner to read. Tokens and custom headers open for nobody but the
 * dispatcher's attempts: they are bound to another purpose.
 */

import { status } from "@grpc/grpc-js";
import type { RevealSecretRequest, RevealSecretResponse } from "@posthorn/contracts";
import type { RpcResult } from "@posthorn/service-runtime";
import { type MasterKey, openSecret, UNSEALABLE_WORDS } from "../core/sealing.ts";
import type { SignerEvents } from "../events.ts";
import { ownerOfRequest } from "./owner-of-request.ts";

export function revealSecret(
  request: RevealSecretRequest,
  { masterKey, events }: { readonly masterKey: MasterKey; readonly events: Pick<SignerEvents, "secretRevealed"> },
): RpcResult<RevealSecretResponse> {
  const found = ownerOfRequest(request);
  if (found.kind === "refusal") return found;
  const opened = openSecret(masterKey, { ...found.owner, purpose: "signing" }, request.ciphertext);
  if (opened.kind === "unsealable") {
    return { kind: "refusal", code: status.FAILED_PRECONDITION, detail: `${UNSEALABLE_WORDS[opened.reason]}.` };
  }
  events.secretRevealed(found.owner.webhookId);
  return { kind: "response", response: { secret: opened.secret } };
}
