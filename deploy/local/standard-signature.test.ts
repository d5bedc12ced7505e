import { expect, test } from "vitest";
import { isSignedBy, type SignedDelivery, TIMESTAMP_TOLERANCE_S } from "./standard-signature.ts";

/** The example of the Standard Webhooks specification. */
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const sentAtS = 1_614_265_330;
const delivery: SignedDelivery = {
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: String(sentAtS),
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  body: Buffer.from('{"test": 2432232314}'),
};

test("the specification's example verifies, also as one of two signatures", () => {
  expect(isSignedBy(secret, delivery, sentAtS * 1_000)).toBe(true);
  expect(isSignedBy(secret, { ...delivery, signature: `v1,AAAA ${delivery.signature}` }, sentAtS * 1_000)).toBe(true);
});

test.for([
  ["another body", { body: Buffer.from('{"test": 2432232315}') }],
  ["another id", { id: "msg_other" }],
  ["another timestamp", { timestamp: String(sentAtS + 1) }],
  ["no signature", { signature: undefined }],
  ["an unknown version", { signature: "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" }],
  ["a timestamp that is no number", { timestamp: "now" }],
] as const)("%s does not verify", ([, change]) => {
  expect(isSignedBy(secret, { ...delivery, ...change }, sentAtS * 1_000)).toBe(false);
});

test("another secret, and a delivery that is too old, do not verify", () => {
  expect(isSignedBy("whsec_AAAA", delivery, sentAtS * 1_000)).toBe(false);
  expect(isSignedBy(secret, delivery, (sentAtS + TIMESTAMP_TOLERANCE_S + 1) * 1_000)).toBe(false);
});
