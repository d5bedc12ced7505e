import type { WebhookConfig, WorkItem } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { requestHeaders, timeoutMsOf } from "./request.ts";

const item = { profile: "mutx", eventType: "agent.status", deliveryId: "11111111-2222" } as WorkItem;

describe("requestHeaders", () => {
  it("carries what the profile promises around the signatures", () => {
    expect(requestHeaders(item, [["webhook-id", "1"]], "00-a-b-01")).toEqual([
      ["Content-Type", "application/json"],
      ["X-Webhook-Event", "agent.status"],
      ["X-Webhook-Delivery-Id", "11111111-2222"],
      ["webhook-id", "1"],
      ["traceparent", "00-a-b-01"],
    ]);
  });
});

describe("timeoutMsOf", () => {
  it("is the webhook's own, else that of the delivery's profile", () => {
    expect(timeoutMsOf(item, { timeoutMs: undefined } as WebhookConfig)).toBe(30_000);
    expect(timeoutMsOf(item, { timeoutMs: 1_000 } as WebhookConfig)).toBe(1_000);
  });
});
