/** Signs one item of a batch, or says why that cannot be done: a refusal is about its item, never about its batch. */

import { parseOrgId, parseProfileName, parseWebhookId } from "@posthorn/domain";
import type { ExtraHeaderRing } from "./extra-header-ring.ts";
import { type SecretOwner, UNSEALABLE_WORDS } from "./sealing.ts";
import { type SignatureHeader, signAttempt } from "./sign-attempt.ts";
import type { SigningKeyRing } from "./signing-key-ring.ts";
import type { SigningKeys } from "./signing-keys.ts";

export type ItemToSign = {
  readonly orgId: string;
  readonly webhookId: string;
  readonly profile: string;
  readonly messageId: string;
  readonly timestampS: number;
  readonly body: Uint8Array;
  /** Newest first. */
  readonly sealedSecrets: readonly Uint8Array[];
  /** Which of the secrets makes a header that holds one signature only. */
  readonly legacyIndex: number;
  /** The receiver knows no secret: the profile's own signature header is left out. */
  readonly withoutLegacy: boolean;
  /** Empty: none. */
  readonly sealedToken: Uint8Array;
  /** Empty: none. */
  readonly sealedHeaders: Uint8Array;
};

/** What was opened before, by what it is for. */
export type Rings = { readonly keys: SigningKeyRing; readonly extraHeaders: ExtraHeaderRing };

/** Part of the contract with the dispatcher: repeating the item mends none of them. */
export const REFUSAL_CODES = ["unsealable", "unknown_profile", "no_secret", "malformed"] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type SignedItem =
  | {
      readonly kind: "signed";
      /** Without those that state what is signed; see `statedHeaders`. */
      readonly headers: SignatureHeader[];
      /** Of its secrets, token and headers included, how many had to be decrypted and how many were remembered. */
      readonly secretsOpened: number;
      readonly secretsRemembered: number;
    }
  | {
      readonly kind: "refused";
      readonly code: RefusalCode;
      /** For the log of an operator; holds nothing of the secret. */
      readonly reason: string;
    };

export function signItem(rings: Rings, item: ItemToSign): SignedItem {
  const profile = parseProfileName(item.profile);
  if (profile === undefined) return refused("unknown_profile", "the profile is unknown to this signer");
  const orgId = parseOrgId(item.orgId);
  const webhookId = parseWebhookId(item.webhookId);
  if (orgId === undefined || webhookId === undefined) return refused("unsealable", "the ids of the owner are no UUIDs");
  const owner = { orgId, webhookId };

  const keys: SigningKeys[] = [];
  let secretsRemembered = 0;
  for (const sealed of item.sealedSecrets) {
    const found = rings.keys.keysOf(owner, sealed);
    if (found.kind === "unsealable") return refused("unsealable", UNSEALABLE_WORDS[found.reason]);
    keys.push(found.keys);
    if (found.wasRemembered) secretsRemembered += 1;
  }
  if (keys.length === 0) return refused("no_secret", "the webhook has no secret");
  const legacy = keys[item.legacyIndex];
  if (legacy === undefined) return refused("malformed", "legacy_index names none of the item's secrets");
  const { messageId, timestampS, body } = item;
  const headers = signAttempt(keys, item.withoutLegacy ? undefined : legacy, { profile, messageId, timestampS, body });
  const secretsOpened = keys.length - secretsRemembered;
  if (item.sealedToken.length === 0 && item.sealedHeaders.length === 0) {
    return { kind: "signed", headers, secretsOpened, secretsRemembered };
  }
  return withExtraHeaders(rings.extraHeaders, owner, item, { headers, secretsOpened, secretsRemembered });
}

type Signed = Omit<Extract<SignedItem, { kind: "signed" }>, "kind">;

/** The token comes first: of two headers with one name the first one is sent. */
function withExtraHeaders(ring: ExtraHeaderRing, owner: SecretOwner, item: ItemToSign, signed: Signed): SignedItem {
  const headers = [...signed.headers];
  let { secretsOpened, secretsRemembered } = signed;
  for (const [purpose, sealed] of [
    ["token", item.sealedToken],
    ["headers", item.sealedHeaders],
  ] as const) {
    if (sealed.length === 0) continue;
    const found = ring.headersOf(owner, purpose, sealed);
    if (found.kind === "unsealable") return refused("unsealable", found.reason);
    headers.push(...found.headers);
    if (found.wasRemembered) secretsRemembered += 1;
    else secretsOpened += 1;
  }
  return { kind: "signed", headers, secretsOpened, secretsRemembered };
}

function refused(code: RefusalCode, reason: string): SignedItem {
  return { kind: "refused", code, reason };
}
