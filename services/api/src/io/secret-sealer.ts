/** Seals what must not be stored in clear: the signer alone can open it again. */

import { SigningServiceClient } from "@posthorn/contracts";
import type { OrgId, WebhookId } from "@posthorn/domain";
import { callUnary, createGrpcClient, reachServer } from "@posthorn/service-runtime";

/** Whose it is; nowhere else can the ciphertext be opened. */
export type SecretOwner = { readonly orgId: OrgId; readonly webhookId: WebhookId };

/** What it may be used for: a ciphertext of one purpose opens for no other. */
export type SealPurpose = "signing" | "token" | "headers";

export type Sealed = { readonly kind: "sealed"; readonly ciphertext: Buffer } | SignerUnavailable;
export type Revealed = { readonly kind: "revealed"; readonly secret: string } | SignerUnavailable;
export type SignerUnavailable = { readonly kind: "signer-unavailable" };

export interface SecretSealer extends Disposable {
  seal(owner: SecretOwner, purpose: SealPurpose, text: string): Promise<Sealed>;
  /** Opens a signing secret. */
  reveal(owner: SecretOwner, ciphertext: Uint8Array): Promise<Revealed>;
  /** Rejects when no signer can be reached. */
  reach(): Promise<void>;
}

/** How the signer's contract names the purposes. */
const WIRE_PURPOSES: Readonly<Record<SealPurpose, string>> = { signing: "", token: "token", headers: "headers" };
const SEAL_MS_MAX = 2_000;
const REACH_MS_MAX = 1_000;
const UNAVAILABLE: SignerUnavailable = { kind: "signer-unavailable" };

/** @param onTrouble told why something was not sealed or revealed. */
export function openSecretSealer(target: string, onTrouble: (reason: string) => void): SecretSealer {
  const client = createGrpcClient(SigningServiceClient, target);
  const sealSecret = client.sealSecret.bind(client);
  const revealSecret = client.revealSecret.bind(client);
  const options = { deadlineMs: SEAL_MS_MAX };

  async function orTrouble<Value>(call: () => Promise<Value>): Promise<Value | SignerUnavailable> {
    try {
      return await call();
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : String(error));
      return UNAVAILABLE;
    }
  }

  return {
    seal: (owner, purpose, text) =>
      orTrouble(async () => {
        const request = { ...owner, purpose: WIRE_PURPOSES[purpose], secret: text };
        const { ciphertext } = await callUnary(sealSecret, request, options);
        return { kind: "sealed", ciphertext };
      }),
    reveal: (owner, ciphertext) =>
      orTrouble(async () => {
        const request = { ...owner, ciphertext: Buffer.from(ciphertext) };
        const { secret } = await callUnary(revealSecret, request, options);
        return { kind: "revealed", secret };
      }),
    reach: () => reachServer(client, REACH_MS_MAX),
    [Symbol.dispose]: () => client.close(),
  };
}
