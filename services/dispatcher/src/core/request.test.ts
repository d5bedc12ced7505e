import type { WebhookConfig, WorkItem } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { requestHeaders, type SignedHeader, timeoutMsOf } from "./request.ts";

const item = {
  profile: "mutx",
  eventType: "agent.status",
  deliveryId: "22222222-3333",
  messageId: "11111111-2222",
} as WorkItem;
const event = { hops: 2 };
const TRACE = "00-a-b-01";

const open = (name: string, value: string): SignedHeader => ({ name, value, isSecret: false });
const secret = (name: string, value: string): SignedHeader => ({ name, value, isSecret: true });

describe("requestHeaders", () => {
  it("carries what the profile promises around the signatures, and one hop more than the event", () => {
    const headers = requestHeaders(item, event, [open("webhook-id", "1")], TRACE);
    expect(headers.sent).toEqual([
      ["Content-Type", "application/json"],
      ["X-Webhook-Event", "agent.status"],
      ["X-Webhook-Delivery-Id", "11111111-2222"],
      ["webhook-id", "1"],
      ["posthorn-hops", "3"],
      ["traceparent", TRACE],
    ]);
    expect(headers.shown).toEqual(headers.sent);
    expect(headers.secrets).toEqual([]);
  });

  it("carries the headers that are fixed in a profile", () => {
    const { sent } = requestHeaders({ ...item, profile: "github-dispatch" }, event, [], TRACE);
    expect(sent).toContainEqual(["Accept", "application/vnd.github+json"]);
  });

  it("sends secrets and shows only their names", () => {
    const signed = [secret("Authorization", "Bearer t0ken"), open("webhook-id", "1"), secret("X-Team", "blue")];
    const headers = requestHeaders({ ...item, profile: "standard" }, event, signed, TRACE);
    expect(headers.sent.slice(-2)).toEqual([
      ["Authorization", "Bearer t0ken"],
      ["X-Team", "blue"],
    ]);
    expect(headers.shown.slice(-2)).toEqual([
      ["Authorization", "***"],
      ["X-Team", "***"],
    ]);
    expect(headers.shown.map(([name]) => name)).toEqual(headers.sent.map(([name]) => name));
    expect(headers.secrets).toEqual(["Bearer t0ken", "blue"]);
  });

  it.each([
    "webhook-id",
    "Webhook-Signature",
    "WEBHOOK-ANYTHING",
    "Posthorn-Hops",
    "content-type",
    "Host",
    "Content-Length",
    "Content-Encoding",
    "Transfer-Encoding",
    "Connection",
    "Proxy-Authorization",
    "Upgrade",
    "TE",
    "Trailer",
    "Expect",
    "User-Agent",
    "traceparent",
    "X-Myop-Signature",
    "x-myop-event",
    "Nextmv-Signature",
    "X-Webhook-Signature",
    "X-Webhook-Event",
    "x-webhook-delivery-id",
    "",
    "two words",
    "line\r\nbreak",
    "x:y",
  ])("drops a custom header named %j", (name) => {
    const without = requestHeaders(item, event, [open("webhook-id", "1")], TRACE);
    expect(requestHeaders(item, event, [open("webhook-id", "1"), secret(name, "mine")], TRACE)).toEqual(without);
  });

  it.each(["a\r\nwebhook-id: 2", "a\nb", "a\0b", "a\x7fb", "snow ☃"])(
    "drops a custom header with the value %j",
    (value) => {
      expect(requestHeaders(item, event, [secret("X-Team", value)], TRACE).secrets).toEqual([]);
    },
  );

  it("takes the first of two with one name, so that a token is not exchanged, nor what the profile fixes", () => {
    const dispatch = { ...item, profile: "github-dispatch" } as const;
    const signed = [secret("Authorization", "Bearer t0ken"), secret("authorization", "mine"), secret("accept", "*/*")];
    expect(requestHeaders(dispatch, event, signed, TRACE).secrets).toEqual(["Bearer t0ken"]);
  });
});

describe("timeoutMsOf", () => {
  it("is the webhook's own, else that of the delivery's profile", () => {
    expect(timeoutMsOf(item, { timeoutMs: undefined } as WebhookConfig)).toBe(30_000);
    expect(timeoutMsOf(item, { timeoutMs: 1_000 } as WebhookConfig)).toBe(1_000);
  });
});
