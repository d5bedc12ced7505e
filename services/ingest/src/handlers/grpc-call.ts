/** What all calls of the gRPC service share: who calls, and how a refusal is told as a status or as a result. */

import { type Metadata, status } from "@grpc/grpc-js";
import type { PublishResult } from "@posthorn/contracts";
import { HOPS_HEADER } from "@posthorn/domain";
import type { RpcResult } from "@posthorn/service-runtime";
import { type Caller, shownKey } from "../core/access.ts";
import { REFUSALS, type Refusal } from "../core/refusals.ts";
import type { Acceptance } from "./accept-event.ts";

/** Who calls, by the key in the metadata: `authorization: Bearer <key>` or `x-api-key`. */
export function callerIn(metadata: Metadata, callerOf: (key: string) => Caller): Caller | undefined {
  const key = shownKey(textIn(metadata, "authorization"), textIn(metadata, "x-api-key"));
  return key === undefined ? undefined : callerOf(key);
}

export function traceparentIn(metadata: Metadata): string | undefined {
  return textIn(metadata, "traceparent");
}

/** The header that counts deliveries. */
export function hopsIn(metadata: Metadata): string | undefined {
  return textIn(metadata, HOPS_HEADER);
}

/** The status of a call that was refused as a whole; its text begins with the code of the catalogue. */
export function statusOf({ code, detail }: Refusal): { readonly code: status; readonly detail: string } {
  return { code: status[REFUSALS[code].grpcStatus], detail: `${code}: ${detail}` };
}

export function refusalStatus(refusal: Refusal): RpcResult<never> {
  return { kind: "refusal", ...statusOf(refusal) };
}

/** What became of one event, as the message of batches and streams. */
export function resultOf(result: Acceptance): PublishResult {
  if (result.kind === "accepted") return { id: result.id, duplicate: result.duplicate, error: undefined };
  const { code, detail } = result.refusal;
  return { id: "", duplicate: false, error: { code, message: detail } };
}

function textIn(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return typeof value === "string" ? value : undefined;
}
