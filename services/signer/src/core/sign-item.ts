/** Signs one item of a batch, or says why that cannot be done: a refusal is about its item, never about its batch. */

import { parseOrgId, parseProfileName, parseWebhookId } from "@posthorn/domain";
import type { UnsealableReason } from "./sealing.ts";
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
};

/** Part of the contract with the dispatcher: repeating the item mends none of them. */
export const REFUSAL_CODES = ["unsealable", "unknown_profile", "no_secret"] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type SignedItem =
  | {
      readonly kind: "signed";
      readonly headers: readonly SignatureHeader[];
      /** Of its secrets, how many had to be decrypted and how many were remembered. */
      readonly secretsOpened: number;
      readonly secretsRemembered: number;
    }
  | {
      readonly kind: "refused";
      readonly code: RefusalCode;
      /** For the log of an operator; holds nothing of the secret. */
      readonly reason: string;
    };

export function signItem(ring: SigningKeyRing, item: ItemToSign): SignedItem {
  const profile = parseProfileName(item.profile);
  if (profile === undefined) return refused("unknown_profile", "the profile is unknown to this signer");
  const orgId = parseOrgId(item.orgId);
  const webhookId = parseWebhookId(item.webhookId);
  if (orgId === undefined || webhookId === undefined) return refused("unsealable", "the ids of the owner are no UUIDs");

  const keys: SigningKeys[] = [];
  let secretsRemembered = 0;
  for (const sealed of item.sealedSecrets) {
    const found = ring.keysOf({ orgId, webhookId }, sealed);
    if (found.kind === "unsealable") return refused("unsealable", UNSEALABLE_WORDS[found.reason]);
    keys.push(found.keys);
    if (found.wasRemembered) secretsRemembered += 1;
  }
  const [newest, ...older] = keys;
  if (newest === undefined) return refused("no_secret", "the webhook has no secret");
  return {
    kind: "signed",
    headers: signAttempt([newest, ...older], { ...item, profile }),
    secretsOpened: keys.length - secretsRemembered,
    secretsRemembered,
  };
}

const UNSEALABLE_WORDS: Readonly<Record<UnsealableReason, string>> = {
  malformed: "a sealed secret is too short to be one",
  unknown_version: "a sealed secret is of a version that this signer does not know",
  other_master_key: "a sealed secret was sealed with another master key",
  not_authentic: "a sealed secret was changed, or is another webhook's",
};

function refused(code: RefusalCode, reason: string): SignedItem {
  return { kind: "refused", code, reason };
}
