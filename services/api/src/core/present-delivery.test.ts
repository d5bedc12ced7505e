import { describe, expect, it } from "vitest";
import { headersObject, presentAttempt } from "./present-delivery.ts";

describe("headers", () => {
  it("have names in lower case, and equal ones joined", () => {
    const headers = [
      ["Content-Type", "text/plain"],
      ["Set-Cookie", "a=1"],
      ["set-cookie", "b=2"],
    ] as const;
    expect(headersObject(headers)).toEqual({ "content-type": "text/plain", "set-cookie": "a=1, b=2" });
  });

  it("of a hostile receiver are names like any other", () => {
    const headers = headersObject([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(JSON.stringify(headers)).toBe('{"__proto__":"x","constructor":"y"}');
  });
});

describe("an attempt", () => {
  const attempt = {
    number: 1,
    startedAtMs: 0,
    durationMs: 15_000,
    outcome: "failed" as const,
    statusCode: undefined,
    errorClass: "timeout" as const,
    errorMessage: "the receiver did not answer",
    url: "https://example.com/",
    requestHeaders: [],
    responseHeaders: [],
    responseBody: new Uint8Array(),
    responseTruncated: false,
  };

  it("without an answer has no response", () => {
    expect(presentAttempt(attempt, Buffer.from("{}"))).toMatchObject({
      status_code: null,
      error_class: "timeout",
      error_message: "the receiver did not answer",
      request: { url: "https://example.com/", headers: {}, body: "{}" },
      response: null,
    });
  });

  it("whose payload is gone has no body", () => {
    expect(presentAttempt(attempt, undefined).request.body).toBeNull();
  });
});
