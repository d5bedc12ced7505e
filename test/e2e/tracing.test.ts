import {
  type CollectedSpan,
  type OtlpCollector,
  type Receiver,
  startOtlpCollector,
  startReceiver,
  waitUntil,
} from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PUBLISHER_SPAN_ID = "00f067aa0ba902b7";
const SERVICES = ["posthorn-ingest", "posthorn-matcher", "posthorn-signer", "posthorn-dispatcher"];

let collector: OtlpCollector;
let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
beforeAll(async () => {
  collector = await startOtlpCollector();
  stack = await startTestStack({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: "100" },
  });
  tenant = await createTenant(stack, "tracing");
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
});

it("makes one tree of a delivery, from the publisher's span to the receiver's", async () => {
  await tenant.subscribe({ url: receiver.url, events: ["traced.*"] });
  const response = await fetch(`${stack.stack.ingestUrl}/v1/orgs/${tenant.orgId}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${tenant.key}`,
      "content-type": "application/json",
      traceparent: `00-${TRACE_ID}-${PUBLISHER_SPAN_ID}-01`,
    },
    body: '{"type":"traced.event","data":{}}',
  });
  expect(response.status).toBe(202);
  const [request] = await receiver.waitFor(1, 10_000);
  const [, traceId, parentId] = request?.header("traceparent")?.split("-") ?? [];
  expect(traceId).toBe(TRACE_ID);

  const ofTrace = () => collector.spans.filter((span) => span.traceId === TRACE_ID);
  await waitUntil(() => SERVICES.every((service) => ofTrace().some((span) => serviceOf(span) === service)), {
    timeoutMs: 10_000,
    describe: () => `spans of all services; there are ${ofTrace().map(serviceOf).join(", ")}`,
  });
  const spans = new Map(ofTrace().map((span) => [span.spanId, span]));
  for (const span of spans.values()) expect(ancestry(span, spans).at(-1)).toBe(PUBLISHER_SPAN_ID);
  const sender = spans.get(parentId ?? "");
  expect(sender === undefined ? undefined : serviceOf(sender)).toBe("posthorn-dispatcher");
});

function serviceOf(span: CollectedSpan): string {
  return String(span.resource["service.name"]);
}

/** Span ids from a span's parent up to where the collected spans end. */
function ancestry(span: CollectedSpan, spans: ReadonlyMap<string, CollectedSpan>): string[] {
  const ids = [span.parentSpanId];
  for (let parent = spans.get(span.parentSpanId); parent !== undefined; parent = spans.get(parent.parentSpanId)) {
    ids.push(parent.parentSpanId);
  }
  return ids;
}
