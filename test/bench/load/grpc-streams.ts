/** Events over two gRPC streams, each with at most a thousand that have no answer yet. */

import { Metadata } from "@grpc/grpc-js";
import { IngestServiceClient, type PublishStreamResponse } from "@posthorn/contracts";
import { createGrpcClient } from "@posthorn/service-runtime";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import type { Tenant } from "../../tenant.ts";
import type { Accepted } from "./batches.ts";
import { dataOf, EVENT_TYPE } from "./bench-event.ts";

const STREAMS = 2;
const UNANSWERED_MAX = 1_000;

export type StreamLoad = {
  readonly forMs: number;
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

function publishStream(client: IngestServiceClient, tenant: Tenant, { forMs, idPrefix }: StreamLoad): Promise<number> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${tenant.key}`);
  const call = client.publishStream(metadata);
  const data = Buffer.from(dataOf());
  const endMs = performance.now() + forMs;
  let sent = 0;
  let answered = 0;
  let isEnded = false;
  let isFull = false;
  const fill = () => {
    while (!isEnded && !isFull && sent - answered < UNANSWERED_MAX) {
      if (performance.now() >= endMs) {
        isEnded = true;
        call.end();
        return;
      }
      sent += 1;
      const id = idPrefix === undefined ? "" : `${idPrefix}${sent}`;
      const event = { type: EVENT_TYPE, data, id, timestamp: "" };
      isFull = !call.write({ requestId: sent, orgId: tenant.orgId, event });
    }
  };
  return new Promise((resolve, reject) => {
    call.on("data", ({ result }: PublishStreamResponse) => {
      if (result?.error !== undefined) call.destroy(new Error(`ingest refused an event: ${result.error.message}`));
      answered += 1;
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
