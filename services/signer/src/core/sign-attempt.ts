/**
 * Makes the signature headers of one attempt. Pure: the same keys and attempt give the same headers. The headers that
 * name the event or the delivery are the dispatcher's.
 */

import { createHmac, type KeyObject } from "node:crypto";
import { type LegacySignature, type ProfileName, profileOf } from "@posthorn/domain";
import type { SigningKeys } from "./signing-keys.ts";

export type AttemptToSign = {
  readonly profile: ProfileName;
  /** The value of `webhook-id`. */
  readonly messageId: string;
  /** Unix time of the attempt; receivers refuse one that is minutes old. */
  readonly timestampS: number;
  /** The exact bytes on the wire. */
  readonly body: Uint8Array;
};

export type SignatureHeader = { readonly name: string; readonly value: string };

/**
 * The Standard Webhooks trio, signed with every key, and the profile's own signature header, if it has one.
 * @param keys newest first. A seed system's receiver accepts one signature only: it gets the newest.
 */
export function signAttempt(
  keys: readonly [SigningKeys, ...SigningKeys[]],
  attempt: AttemptToSign,
): readonly SignatureHeader[] {
  const { messageId, timestampS, body } = attempt;
  const signed = `${messageId}.${timestampS}.`;
  const signatures = keys.map(({ standard }) => `v1,${hmac(standard, signed, body).digest("base64")}`);
  const headers = [
    { name: "webhook-id", value: messageId },
    { name: "webhook-timestamp", value: String(timestampS) },
    { name: "webhook-signature", value: signatures.join(" ") },
  ];
  const legacy = legacyHeader(profileOf(attempt.profile).legacySignature, keys[0], attempt);
  return legacy === undefined ? headers : [...headers, legacy];
}

function legacyHeader(
  signature: LegacySignature,
  { legacy: key }: SigningKeys,
  { timestampS, body }: AttemptToSign,
): SignatureHeader | undefined {
  switch (signature.kind) {
    case "none":
      return undefined;
    case "body-sha256":
      return { name: signature.header, value: `sha256=${hmac(key, "", body).digest("hex")}` };
    case "timestamped": {
      const digest = hmac(key, `${timestampS}.`, body).digest("hex");
      return { name: signature.header, value: `t=${timestampS},v1=${digest}` };
    }
    default:
      return signature satisfies never;
  }
}

function hmac(key: KeyObject, prefix: string, body: Uint8Array) {
  return createHmac("sha256", key).update(prefix).update(body);
}
