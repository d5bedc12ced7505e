/**
 * `PublishBatch`: many events of one organisation, answered once each is durable or refused, in order. What is wrong
 * with one event is its result; only what is wrong with the batch is the call's status.
 */

import type { Metadata } from "@grpc/grpc-js";
import type { PublishBatchRequest, PublishBatchResponse } from "@posthorn/contracts";
import type { RpcResult } from "@posthorn/service-runtime";
import type { Caller } from "../core/access.ts";
import { NO_IDEMPOTENCY } from "../core/dedupe-key.ts";
import { parseWireBatch } from "../core/parse-wire-event.ts";
import type { IngestEvents } from "../events.ts";
import type { AcceptEvent } from "./accept-event.ts";
import type { Authorise } from "./authorise.ts";
import { callerIn, hopsIn, refusalStatus, resultOf, traceparentIn } from "./grpc-call.ts";

export function createPublishWireBatch(ports: {
  readonly authorise: Authorise;
  readonly callerOf: (key: string) => Caller;
  readonly acceptEvent: AcceptEvent;
  readonly events: IngestEvents;
}): (request: PublishBatchRequest, metadata: Metadata) => Promise<RpcResult<PublishBatchResponse>> {
  const { authorise, callerOf, acceptEvent, events } = ports;
  return async (request, metadata) => {
    const access = await authorise(callerIn(metadata, callerOf), request.orgId);
    if (access.kind === "denied") return refusalStatus(access.refusal);
    const batch = parseWireBatch(request.events);
    if (batch.kind === "refused") {
      events.refused(batch.refusal.code);
      return refusalStatus(batch.refusal);
    }
    const [traceparent, hops] = [traceparentIn(metadata), hopsIn(metadata)];
    const publish = { org: access.org, idempotency: NO_IDEMPOTENCY, traceparent, hops };
    const results = await Promise.all(batch.value.map((event) => acceptEvent(event, publish)));
    return { kind: "response", response: { results: results.map(resultOf) } };
  };
}
