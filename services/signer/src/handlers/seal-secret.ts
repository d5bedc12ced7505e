/** SealSecret: encrypts a new secret for storage. The ciphertext opens for this webhook and this purpose only. */

import type { SealSecretRequest, SealSecretResponse } from "@posthorn/contracts";
import type { RpcResult } from "@posthorn/service-runtime";
import { parseSealPurpose, sealProblem } from "../core/seal-problem.ts";
import { type MasterKey, sealSecret as seal } from "../core/sealing.ts";
import type { SignerEvents } from "../events.ts";
import { invalid, ownerOfRequest } from "./owner-of-request.ts";

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
  const found = ownerOfRequest(request);
  if (found.kind === "refusal") return found;
  const purpose = parseSealPurpose(request.purpose);
  if (purpose === undefined) return invalid('purpose must be empty, "token" or "headers".');
  const problem = sealProblem(purpose, request.secret);
  if (problem !== undefined) return invalid(`secret ${problem}.`);
  const ciphertext = seal(masterKey, { ...found.owner, purpose }, request.secret, newNonce());
  events.secretSealed();
  return { kind: "response", response: { ciphertext } };
}
