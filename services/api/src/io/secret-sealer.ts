/** Seals signing secrets: the signer alone can open them again. */

import { SigningServiceClient } from "@posthorn/contracts";
import type { OrgId, WebhookId } from "@posthorn/domain";
import { callUnary, createGrpcClient, reachServer } from "@posthorn/service-runtime";

export type Sealed = { readonly kind: "sealed"; readonly ciphertext: Buffer } | { readonly kind: "unavailable" };

export interface SecretSealer extends Disposable {
  /** The ciphertext is bound to the organisation and the webhook: nowhere else can it be opened. */
  seal(orgId: OrgId, webhookId: WebhookId, secret: string): Promise<Sealed>;
  /** Rejects when no signer can be reached. */
  reach(): Promise<void>;
}

const SEAL_MS_MAX = 2_000;
const REACH_MS_MAX = 1_000;

/** @param onTrouble told why a secret was not sealed. */
export function openSecretSealer(target: string, onTrouble: (reason: string) => void): SecretSealer {
  const client = createGrpcClient(SigningServiceClient, target);
  const sealSecret = client.sealSecret.bind(client);
  return {
    seal: async (orgId, webhookId, secret) => {
      try {
        const { ciphertext } = await callUnary(sealSecret, { orgId, webhookId, secret }, { deadlineMs: SEAL_MS_MAX });
        return { kind: "sealed", ciphertext };
      } catch (error) {
        onTrouble(error instanceof Error ? error.message : String(error));
        return { kind: "unavailable" };
      }
    },
    reach: () => reachServer(client, REACH_MS_MAX),
    [Symbol.dispose]: () => client.close(),
  };
}
