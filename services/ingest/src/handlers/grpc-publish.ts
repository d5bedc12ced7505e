/** `Publish`: one event, answered once it is durable. A refusal is the call's status. */

import type { Metadata } from "@grpc/grpc-js";
import type { PublishRequest, PublishResponse } from "@posthorn/contracts";
import type { RpcResult } from "@posthorn/service-runtime";
import type { Caller } from "../core/access.ts";
import { NO_IDEMPOTENCY } from "../core/dedupe-key.ts";
import { parseWireEvent } from "../core/parse-wire-event.ts";
import type { AcceptEvent } from "./accept-event.ts";
import type { Authorise } from "./authorise.ts";
import { callerIn, hopsIn, refusalStatus, traceparentIn } from "./grpc-call.ts";

export function createPublish(ports: {
  readonly authorise: Authorise;
  readonly callerOf: (key: string) => Caller;
  readonly acceptEvent: AcceptEvent;
}): (request: PublishRequest, metadata: Metadata) => Promise<RpcResult<PublishResponse>> {
  const { authorise, callerOf, acceptEvent } = ports;
  return async ({ orgId, event }, metadata) => {
    const access = await authorise(callerIn(metadata, callerOf), orgId);
    if (access.kind === "denied") return refusalStatus(access.refusal);
    const [traceparent, hops] = [traceparentIn(metadata), hopsIn(metadata)];
    const publish = { org: access.org, idempotency: NO_IDEMPOTENCY, traceparent, hops };
    const acceptance = await acceptEvent(parseWireEvent(event), publish);
    if (acceptance.kind === "refused") return refusalStatus(acceptance.refusal);
    return { kind: "response", response: { id: acceptance.id, duplicate: acceptance.duplicate } };
  };
}
