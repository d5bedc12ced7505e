import { describe, expect, it } from "vitest";
import { attempt, failed, succeeded } from "./delivery.fixture.ts";
import { evolveHealth, type WebhookHealth } from "./webhook-health.ts";

describe("evolveHealth", () => {
  it("begins with the first attempt", () => {
    expect(evolveHealth(undefined, succeeded(1))).toEqual({
      lastAttemptAtMs: attempt(1).startedAtMs,
      lastStatusCode: 200,
      lastErrorClass: undefined,
      consecutiveFailures: 0,
    });
  });

  it("counts failures until a success", () => {
    expect(healthAfter(failed(1, 1), failed(2, 1))).toMatchObject({
      lastStatusCode: 500,
      lastErrorClass: "status",
      consecutiveFailures: 2,
    });
    expect(healthAfter(failed(1, 1), failed(2, 1), succeeded(3), failed(4, 1))?.consecutiveFailures).toBe(1);
    expect(healthAfter(failed(1, 1), succeeded(2))).toMatchObject({
      lastErrorClass: undefined,
      consecutiveFailures: 0,
    });
  });

  it("forgets the status when the last attempt got no answer", () => {
    const unanswered = failed(2, 1, { statusCode: undefined });
    expect(healthAfter(failed(1, 1), { ...unanswered, errorClass: "timeout" })).toMatchObject({
      lastStatusCode: undefined,
      lastErrorClass: "timeout",
    });
  });

  it("keeps the latest start when a slow attempt is recorded after a later one", () => {
    expect(healthAfter(failed(2, 1), failed(1, 1))?.lastAttemptAtMs).toBe(attempt(2).startedAtMs);
  });
});

function healthAfter(...events: Parameters<typeof evolveHealth>[1][]): WebhookHealth | undefined {
  return events.reduce<WebhookHealth | undefined>(evolveHealth, undefined);
}
