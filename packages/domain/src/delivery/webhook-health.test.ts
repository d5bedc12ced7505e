import { describe, expect, it } from "vitest";
import { ACCEPTED_AT_MS, attempt, failed, IDENTITY, succeeded } from "./delivery.fixture.ts";
import { evolveHealth, type HealthEvent, UNKNOWN_HEALTH, type WebhookHealth } from "./webhook-health.ts";

describe("evolveHealth", () => {
  it("begins with the first attempt", () => {
    expect(evolveHealth(UNKNOWN_HEALTH, succeeded(1))).toEqual({
      lastAttemptAtMs: attempt(1).startedAtMs,
      lastStatusCode: 200,
      lastErrorClass: undefined,
      consecutiveFailures: 0,
      failingSinceMs: undefined,
      congestedCount: 0,
      circuit: { kind: "closed", generation: 0, changedAtMs: undefined },
    });
  });

  it("counts failures until a success", () => {
    expect(healthAfter(failed(1, 1), failed(2, 1))).toMatchObject({
      lastStatusCode: 500,
      lastErrorClass: "status",
      consecutiveFailures: 2,
    });
    expect(healthAfter(failed(1, 1), failed(2, 1), succeeded(3), failed(4, 1)).consecutiveFailures).toBe(1);
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
    expect(healthAfter(failed(2, 1), failed(1, 1)).lastAttemptAtMs).toBe(attempt(2).startedAtMs);
  });

  it("remembers since when nothing has succeeded", () => {
    expect(healthAfter(failed(1, 1), failed(2, 1)).failingSinceMs).toBe(attempt(1).startedAtMs);
    expect(healthAfter(failed(1, 1), succeeded(2)).failingSinceMs).toBe(undefined);
    expect(healthAfter(failed(1, 1), succeeded(2), failed(3, 1)).failingSinceMs).toBe(attempt(3).startedAtMs);
  });

  it("is told nothing by test sends", () => {
    const before = healthAfter(succeeded(1));
    expect(evolveHealth(before, failed(2, undefined, { test: true }))).toBe(before);
  });

  it("counts what asks for less: time-outs, 429 and 503", () => {
    const timeout = { ...failed(1, 1, { statusCode: undefined }), errorClass: "timeout" } as const;
    const events = [timeout, failed(2, 1, { statusCode: 429 }), failed(3, 1, { statusCode: 503 }), failed(4, 1)];
    expect(healthAfter(...events).congestedCount).toBe(3);
  });

  it("follows its circuit by generation, whatever comes late", () => {
    const opened = healthAfter(circuit("circuit.opened", 1));
    expect(opened).toMatchObject({
      lastAttemptAtMs: undefined,
      circuit: { kind: "open", generation: 1, changedAtMs: ACCEPTED_AT_MS },
    });
    const closed = evolveHealth(opened, circuit("circuit.closed", 1, ACCEPTED_AT_MS + 1));
    expect(closed.circuit).toEqual({ kind: "closed", generation: 1, changedAtMs: ACCEPTED_AT_MS + 1 });
    expect(evolveHealth(closed, circuit("circuit.opened", 1))).toBe(closed);
    const again = evolveHealth(closed, circuit("circuit.opened", 2));
    expect(evolveHealth(again, circuit("circuit.closed", 1))).toBe(again);
    expect(again.circuit.kind).toBe("open");
  });
});

function healthAfter(...events: HealthEvent[]): WebhookHealth {
  return events.reduce(evolveHealth, UNKNOWN_HEALTH);
}

function circuit(kind: "circuit.opened" | "circuit.closed", generation: number, atMs = ACCEPTED_AT_MS): HealthEvent {
  return { kind, orgId: IDENTITY.orgId, webhookId: IDENTITY.webhookId, generation, atMs };
}
