import { describe, expect, it } from "vitest";
import { PROFILE_NAMES, parseProfileName, profileOf } from "./profile.ts";

describe("profiles", () => {
  it.each([
    ["standard", 15_000, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]],
    ["myop", 10_000, []],
    ["github-dispatch", 10_000, []],
    ["nextmv", 10_000, [60, 300, 1_800]],
    ["znyx", 10_000, [120, 480, 1_800, 4_800]],
    ["mutx", 30_000, [30, 300, 1_800]],
  ] as const)("%s waits %i ms for an answer and retries after %j s", (name, timeoutMs, retryDelaysS) => {
    expect(profileOf(name)).toMatchObject({ name, timeoutMs, retryDelaysS });
  });

  it.each([
    ["standard", undefined, undefined, undefined],
    ["myop", "X-Myop-Signature", "X-Myop-Event", undefined],
    ["github-dispatch", undefined, undefined, undefined],
    ["nextmv", "Nextmv-Signature", undefined, undefined],
    ["znyx", "X-Webhook-Signature", undefined, undefined],
    ["mutx", "X-Webhook-Signature", "X-Webhook-Event", "X-Webhook-Delivery-Id"],
  ] as const)("%s has the headers %s, %s and %s", (name, signature, eventType, deliveryId) => {
    const { legacySignature, eventTypeHeader, deliveryIdHeader } = profileOf(name);
    expect(legacySignature.kind === "none" ? undefined : legacySignature.header).toBe(signature);
    expect([eventTypeHeader, deliveryIdHeader]).toEqual([eventType, deliveryId]);
  });

  it("are known by their exact names only", () => {
    expect(PROFILE_NAMES.map(parseProfileName)).toEqual(PROFILE_NAMES);
    for (const text of ["", "Standard", "github", "__proto__"]) expect(parseProfileName(text)).toBeUndefined();
  });
});
