/** Whose secret a call is about. */

import { status } from "@grpc/grpc-js";
import { parseOrgId, parseWebhookId } from "@posthorn/domain";
import type { RpcResult } from "@posthorn/service-runtime";
import type { SecretOwner } from "../core/sealing.ts";

export type Refusal = Extract<RpcResult<never>, { kind: "refusal" }>;

export function ownerOfRequest(request: {
  readonly orgId: string;
  readonly webhookId: string;
}): { readonly kind: "owner"; readonly owner: SecretOwner } | Refusal {
  const orgId = parseOrgId(request.orgId);
  if (orgId === undefined) return invalid("org_id must be a UUID.");
  const webhookId = parseWebhookId(request.webhookId);
  if (webhookId === undefined) return invalid("webhook_id must be a UUID.");
  return { kind: "owner", owner: { orgId, webhookId } };
}

export function invalid(detail: string): Refusal {
  return { kind: "refusal", code: status.INVALID_ARGUMENT, detail };
}
