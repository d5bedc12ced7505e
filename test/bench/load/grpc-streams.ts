/** Events over two gRPC streams, each with at most a thousand that have no answer yet, one or several to a message. */

import { Metadata } from "@grpc/grpc-js";
import {
  IngestServiceClient,
  type NewEvent,
  type PublishStreamRequest,
  type PublishStreamResponse,
} from "@posthorn/contracts";
import { createGrpcClient } from "@posthorn/service-runtime";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import type { Tenant } from "../../tenant.ts";
import type { Accepted } from "./batches.ts";
import { dataOf, EVENT_TYPE } from "./bench-event.ts";

const STREAMS = 2;
const UNANSWERED_MAX = 1_000;

export type StreamLoad = {
  readonly forMs: number;
  readonly eventsPerMessage: number;
  /** Gives each event a caller's id. */
  readonly idPrefix?: string;
};

export async function publishStreams({ stack }: TestStack, tenant: Tenant, load: StreamLoad): Promise<Accepted> {
  const client = createGrpcClient(IngestServiceClient, stack.ingestGrpcAddress);
  try {
    const startedMs = performance.now();
    const streams = Array.from({ length: STREAMS }, (_, index) =>
      publishStream(client, tenant, { ...load, ...prefixed(load.idPrefix, index) }),
    );
    const accepted = (await Promise.all(streams)).reduce((sum, count) => sum + count, 0);
    return { accepted, perSecond: (accepted * 1_000) / (performance.now() - startedMs) };
  } finally {
    client.close();
  }
}

function prefixed(idPrefix: string | undefined, stream: number): { readonly idPrefix?: string } {
  return idPrefix === undefined ? {} : { idPrefix: `${idPrefix}${stream}-` };
}

function publishStream(
  client: IngestServiceClient,
  tenant: Tenant,
  { forMs, eventsPerMessage, idPrefix }: StreamLoad,
): Promise<number> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${tenant.key}`);
  const call = client.publishStream(metadata);
  const data = Buffer.from(dataOf());
  const endMs = performance.now() + forMs;
  let sent = 0;
  let answered = 0;
  let isEnded = false;
  let isFull = false;
  const nextEvent = (): NewEvent => {
    sent += 1;
    return { type: EVENT_TYPE, data, id: idPrefix === undefined ? "" : `${idPrefix}${sent}`, timestamp: "" };
  };
  const nextMessage = (): PublishStreamRequest => {
    const of = { requestId: sent, orgId: tenant.orgId };
    if (eventsPerMessage === 1) return { ...of, event: nextEvent() };
    return { ...of, event: undefined, batch: { events: Array.from({ length: eventsPerMessage }, nextEvent) } };
  };
  const fill = () => {
    while (!isEnded && !isFull && sent - answered < UNANSWERED_MAX) {
      if (performance.now() >= endMs) {
        isEnded = true;
        call.end();
        return;
      }
      isFull = !call.write(nextMessage());
    }
  };
  return new Promise((resolve, reject) => {
    call.on("data", ({ result, batch }: PublishStreamResponse) => {
      const results = batch?.results ?? [result];
      const refused = results.find((one) => one?.error !== undefined)?.error;
      if (refused !== undefined) call.destroy(new Error(`ingest refused an event: ${refused.message}`));
      answered += results.length;
      fill();
    });
    call.on("drain", () => {
      isFull = false;
      fill();
    });
    call.on("end", () => resolve(answered));
    call.on("error", reject);
    fill();
  });
}
