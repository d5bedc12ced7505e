/** Verifies a delivery as a receiver would: Standard Webhooks, HMAC-SHA256. */

import { createHmac, timingSafeEqual } from "node:crypto";

/** How far the sender's clock may be off, in either direction. */
export const TIMESTAMP_TOLERANCE_S = 300;
const SECRET_PREFIX = "whsec_";
const VERSION = "v1";

export interface SignedDelivery {
  readonly id: string | undefined;
  /** Seconds since 1970, as text. */
  readonly timestamp: string | undefined;
  /** "v1,<base64>", several separated by blanks during a rotation. */
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

/** True when one of the signatures fits the secret and the timestamp is recent. */
export function isSignedBy(secret: string, delivery: SignedDelivery, nowMs: number): boolean {
  const { id, timestamp, signature, body } = delivery;
  if (id === undefined || timestamp === undefined || signature === undefined) return false;
  const ageS = Math.abs(nowMs / 1_000 - Number(timestamp));
  if (!(ageS <= TIMESTAMP_TOLERANCE_S)) return false;

  const key = secret.startsWith(SECRET_PREFIX)
    ? Buffer.from(secret.slice(SECRET_PREFIX.length), "base64")
    : Buffer.from(secret, "utf8");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  return signature.split(" ").some((item) => {
    const [version, encoded] = item.split(",", 2);
    const given = Buffer.from(encoded ?? "", "base64");
    return version === VERSION && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
