import { type AttemptOutcome, ERROR_CLASSES, type ErrorClass, outcomeOfStatus } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { isCongestionSign, isFailureSign, type ReceiverSign, receiverSign } from "./receiver-sign.ts";

const failed = (errorClass: ErrorClass): AttemptOutcome => ({
  kind: "failed",
  errorClass,
  message: "",
  retryAfterMs: undefined,
});

describe("receiverSign", () => {
  it.each<[number, ReceiverSign]>([
    [200, "delivered"],
    [204, "delivered"],
    [301, "answered"],
    [400, "answered"],
    [404, "answered"],
    [410, "answered"],
    [429, "throttled"],
    [500, "broken"],
    [502, "broken"],
    [503, "overloaded"],
    [599, "broken"],
  ])("an answer with %i: %s", (status, sign) => {
    expect(receiverSign(outcomeOfStatus(status, undefined, 0), status)).toBe(sign);
  });

  it.each<[ErrorClass, ReceiverSign]>([
    ["dns", "broken"],
    ["connect", "broken"],
    ["tls", "broken"],
    ["reset", "broken"],
    ["timeout", "silent"],
    ["too_large", "answered"],
    ["blocked", "none"],
    ["unrepresentable", "none"],
  ])("no answer, %s: %s", (errorClass, sign) => {
    expect(receiverSign(failed(errorClass), undefined)).toBe(sign);
  });

  it("knows a sign for every class", () => {
    for (const errorClass of ERROR_CLASSES) expect(receiverSign(failed(errorClass), undefined)).toBeTypeOf("string");
  });
});

it.each<[ReceiverSign, boolean, boolean]>([
  ["delivered", false, false],
  ["answered", false, false],
  ["throttled", false, true],
  ["overloaded", true, true],
  ["broken", true, false],
  ["silent", true, true],
  ["none", false, false],
])("%s: failing %s, congested %s", (sign, isFailure, isCongestion) => {
  expect(isFailureSign(sign)).toBe(isFailure);
  expect(isCongestionSign(sign)).toBe(isCongestion);
});
