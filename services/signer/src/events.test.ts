import type { SpanHandle, SpanStart } from "@posthorn/service-runtime";
import { describe, expect, it, vi } from "vitest";
import { startSignSpan, type TracedItem } from "./events.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const SPAN: SpanHandle = { traceparent: `${TRACE}-01`, setAttributes: () => {}, fail: () => {}, end: () => {} };

describe("startSignSpan", () => {
  it("starts a span below the item's own when its trace is recorded", () => {
    const { tracing, startSpan } = newTracing(true);
    expect(startSignSpan(tracing, item(`${TRACE}-01`))).toBe(SPAN);
    expect(startSpan).toHaveBeenCalledExactlyOnceWith("sign", {
      kind: "server",
      parent: `${TRACE}-01`,
      attributes: { "posthorn.profile": "standard" },
    });
  });

  it.each([
    ["the trace is not sampled", true, `${TRACE}-00`],
    ["the item has no trace", true, ""],
    ["the item's trace is no traceparent", true, "sampled"],
    ["nothing is traced in this process", false, `${TRACE}-01`],
  ])("does nothing when %s", (_when, enabled, traceparent) => {
    const { tracing, startSpan } = newTracing(enabled);
    expect(startSignSpan(tracing, item(traceparent))).toBeUndefined();
    expect(startSpan).not.toHaveBeenCalled();
  });
});

function newTracing(enabled: boolean) {
  const startSpan = vi.fn((_name: string, _start: SpanStart) => SPAN);
  return { startSpan, tracing: { enabled, startSpan, [Symbol.asyncDispose]: async () => {} } };
}

function item(traceparent: string): TracedItem {
  return {
    orgId: "",
    webhookId: "",
    profile: "standard",
    messageId: "",
    timestampS: 0,
    body: new Uint8Array(),
    sealedSecrets: [],
    legacyIndex: 0,
    withoutLegacy: false,
    sealedToken: new Uint8Array(),
    sealedHeaders: new Uint8Array(),
    traceparent,
  };
}
