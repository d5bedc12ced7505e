/** Seals what a request brings that must not be stored in clear: a token and the values of headers. */

import type { SealedInput, WebhookInput } from "../core/change-webhook.ts";
import type { SecretOwner, SecretSealer, SignerUnavailable } from "../io/secret-sealer.ts";

export async function sealInput(
  sealer: Pick<SecretSealer, "seal">,
  owner: SecretOwner,
  { profile_options, headers }: Pick<WebhookInput, "profile_options" | "headers">,
): Promise<({ readonly kind: "sealed" } & SealedInput) | SignerUnavailable> {
  const token = profile_options?.token ?? undefined;
  const hasHeaders = Object.keys(headers ?? {}).length > 0;
  const [sealedToken, sealedHeaders] = await Promise.all([
    token === undefined ? NOTHING : sealer.seal(owner, "token", token),
    hasHeaders ? sealer.seal(owner, "headers", JSON.stringify(headers)) : NOTHING,
  ]);
  if (sealedToken.kind === "signer-unavailable") return sealedToken;
  if (sealedHeaders.kind === "signer-unavailable") return sealedHeaders;
  return { kind: "sealed", token: sealedToken.ciphertext, headers: sealedHeaders.ciphertext };
}

const NOTHING = { kind: "sealed", ciphertext: undefined } as const;
