import { describe, expect, it } from "vitest";
import { type Exchange, outcomeOf, recordOf } from "./record-exchange.ts";

const exchange: Exchange = {
  attempt: 2,
  url: "https://example.com/hook?token=canary",
  requestHeaders: [["Content-Type", "application/json"]],
  startedAtMs: 5_000,
  durationMs: 40,
  dispatcher: "dispatcher-1",
  possibleRepeat: false,
  isTest: false,
  result: { kind: "response", status: 200, headers: [["x", "y"]], body: Buffer.from("ok"), truncated: false },
};

describe("outcomeOf", () => {
  it("takes an answer by its status", () => {
    expect(outcomeOf(exchange)).toEqual({ kind: "succeeded" });
  });

  it("reads Retry-After of a 429, counted from the end of the attempt", () => {
    const retryAfter = new Date(5_040 + 61_000).toUTCString();
    const result = {
      kind: "response",
      status: 429,
      headers: [],
      body: Buffer.alloc(0),
      truncated: false,
      retryAfter,
    } as const;
    const outcome = outcomeOf({ ...exchange, result });
    expect(outcome).toMatchObject({ kind: "failed", errorClass: "status" });
    expect(outcome.kind === "failed" && outcome.retryAfterMs).toBeGreaterThan(59_000);
  });

  it("keeps the class of what went wrong on the wire", () => {
    const result = { kind: "failed", errorClass: "tls", message: "certificate has expired" } as const;
    expect(outcomeOf({ ...exchange, result })).toMatchObject({ kind: "failed", errorClass: "tls" });
  });

  it("does not hope for what the profile cannot say", () => {
    const result = { kind: "unrepresentable", reason: "duplicate member" } as const;
    expect(outcomeOf({ ...exchange, result })).toMatchObject({ kind: "refused", reason: "unrepresentable" });
  });
});

describe("recordOf", () => {
  it("masks the query of the URL and keeps the answer", () => {
    const record = recordOf(exchange);
    expect(record.url).toBe("https://example.com/hook?token=***");
    expect(record).toMatchObject({ number: 2, statusCode: 200, responseHeaders: [["x", "y"]] });
    expect(JSON.stringify(record)).not.toContain("canary");
  });

  it("has no status when nobody answered", () => {
    const result = { kind: "failed", errorClass: "timeout", message: "no answer within 15000 ms" } as const;
    expect(recordOf({ ...exchange, result }).statusCode).toBeUndefined();
  });
});
