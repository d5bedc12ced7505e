/**
 * Makes the signature headers of one attempt. Pure: the same keys and attempt give the same headers. The headers that
 * name the event or the delivery are the dispatcher's.
 */

import { createHmac, type KeyObject, sign } from "node:crypto";
import { type LegacySignature, type ProfileName, profileOf } from "@posthorn/domain";
import type { SigningKeys } from "./signing-keys.ts";

export type AttemptToSign = StatedOfAttempt & {
  readonly profile: ProfileName;
  /** The exact bytes on the wire. */
  readonly body: Uint8Array;
};

export type StatedOfAttempt = {
  /** The value of `webhook-id`. */
  readonly messageId: string;
  /** Unix time of the attempt; receivers refuse one that is minutes old. */
  readonly timestampS: number;
};

export type SignatureHeader = {
  readonly name: string;
  readonly value: string;
  /** Whoever reads the history must not see the value. A signature is none. */
  readonly secret: boolean;
};

/** What is signed besides the body, as headers: the first two of the Standard Webhooks trio. */
export function statedHeaders({ messageId, timestampS }: StatedOfAttempt): SignatureHeader[] {
  return [
    { name: "webhook-id", value: messageId, secret: false },
    { name: "webhook-timestamp", value: String(timestampS), secret: false },
  ];
}

/**
 * The third, signed with every key, and the profile's own signature header, if it has one.
 * @param keys newest first.
 * @param legacy makes the profile's own header, which holds one signature only. Undefined: it is left out.
 */
export function signAttempt(
  keys: readonly SigningKeys[],
  legacy: SigningKeys | undefined,
  attempt: AttemptToSign,
): SignatureHeader[] {
  const { messageId, timestampS, body } = attempt;
  const signed = `${messageId}.${timestampS}.`;
  const signature = keys.map((key) => standardSignature(key, signed, body)).join(" ");
  const headers = [{ name: "webhook-signature", value: signature, secret: false }];
  if (legacy?.kind !== "hmac") return headers;
  const header = legacyHeader(profileOf(attempt.profile).legacySignature, legacy.legacy, attempt);
  if (header !== undefined) headers.push(header);
  return headers;
}

function standardSignature({ kind, standard }: SigningKeys, signed: string, body: Uint8Array): string {
  return kind === "hmac"
    ? `v1,${hmac(standard, signed, body).digest("base64")}`
    : `v1a,${sign(null, Buffer.concat([Buffer.from(signed), body]), standard).toString("base64")}`;
}

function legacyHeader(
  signature: LegacySignature,
  key: KeyObject,
  { timestampS, body }: AttemptToSign,
): SignatureHeader | undefined {
  switch (signature.kind) {
    case "none":
      return undefined;
    case "body-sha256": {
      const digest = hmac(key, "", body).digest("hex");
      return { name: signature.header, value: `sha256=${digest}`, secret: false };
    }
    case "timestamped": {
      const digest = hmac(key, `${timestampS}.`, body).digest("hex");
      return { name: signature.header, value: `t=${timestampS},v1=${digest}`, secret: false };
    }
    default:
      return signature satisfies never;
  }
}

function hmac(key: KeyObject, prefix: string, body: Uint8Array) {
  return createHmac("sha256", key).update(prefix).update(body);
}
