/** Seals secrets for the webhook of a bench, as the api does. For tests only. */

import { SigningServiceClient } from "@posthorn/contracts";
import type { OrgId, WebhookId } from "@posthorn/domain";
import { callUnary, createGrpcClient } from "@posthorn/service-runtime";

/** @param purpose empty for signing, `token` or `headers`. */
export async function seal(
  signer: string,
  { orgId, webhookId }: { readonly orgId: OrgId; readonly webhookId: WebhookId },
  secret: string,
  purpose = "",
): Promise<Buffer> {
  const client = createGrpcClient(SigningServiceClient, signer);
  try {
    const request = { orgId, webhookId, secret, purpose };
    const { ciphertext } = await callUnary(client.sealSecret.bind(client), request, { deadlineMs: 5_000 });
    return ciphertext;
  } finally {
    client.close();
  }
}
