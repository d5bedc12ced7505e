/** The configuration as the data plane sees it: what the KV bucket holds of organisations, keys and webhooks. */

import type { ApiKeyId, EventId, EventTypeId, OrgId, WebhookId } from "../ids/ids.ts";
import type { ProfileName } from "../profiles/profile.ts";

export const SCOPES = ["admin", "ci", "runtime"] as const;
/** `admin`: all in the organisation; `ci`: all but keys; `runtime`: publish and read. */
export type Scope = (typeof SCOPES)[number];

export function parseScope(text: string): Scope | undefined {
  return SCOPES.find((scope) => scope === text);
}

export type OrganisationConfig = {
  readonly kind: "organisation";
  readonly id: OrgId;
  /** Events of types that are not in its catalogue are refused. */
  readonly strictEventTypes: boolean;
};

export type ApiKeyConfig = {
  readonly kind: "api-key";
  readonly id: ApiKeyId;
  readonly orgId: OrgId;
  /** SHA-256 of the key, in hex. */
  readonly hash: string;
  readonly scope: Scope;
};

export type WebhookConfig = {
  readonly kind: "webhook";
  readonly id: WebhookId;
  readonly orgId: OrgId;
  readonly url: string;
  readonly patterns: readonly string[];
  readonly profile: ProfileName;
  /** Undefined: the profile's. */
  readonly timeoutMs: number | undefined;
  /** Undefined: the profile's, with jitter. Empty: one attempt. */
  readonly retryDelaysS: readonly number[] | undefined;
  readonly isActive: boolean;
  /** The engine took it out of service: what was pending is cancelled, not parked. */
  readonly disabledByEngine: boolean;
  /** Newest first; more than one while a rotation overlaps. */
  readonly secrets: readonly SealedSecret[];
  /** Which of several secrets makes a signature header that holds one signature only. */
  readonly legacySignsWith: "old" | "new";
  /** False: the receiver knows no secret. An internal one signs the Standard headers; the profile's own is left out. */
  readonly hasSecret: boolean;
  /** A condition in CEL that `data` and `type` have to meet besides a pattern. */
  readonly filter: string | undefined;
  /** What `github-dispatch` puts before the type; empty in other profiles. */
  readonly eventTypePrefix: string;
  /** The bearer token of `github-dispatch`. */
  readonly sealedToken: Uint8Array | undefined;
  /** Custom headers: the ciphertext of a JSON object of names and values. */
  readonly sealedHeaders: Uint8Array | undefined;
  /** Requests per second, over all dispatchers. */
  readonly rateLimit: number | undefined;
  /** One at a time, in the order of acceptance. */
  readonly ordered: boolean;
};

/** A signing secret as ciphertext, bound to its organisation and webhook. */
export type SealedSecret = {
  readonly ciphertext: Uint8Array;
  /** Undefined: the current one. */
  readonly signsUntilMs: number | undefined;
};

/** One type of an organisation's catalogue. */
export type EventTypeConfig = {
  readonly kind: "event-type";
  readonly id: EventTypeId;
  readonly orgId: OrgId;
  readonly name: string;
  /** JSON Schema that `data` has to meet, as text. */
  readonly schema: string | undefined;
};

/** An event whose data nobody may see or send any more. */
export type PayloadDeletionConfig = { readonly kind: "payload-deletion"; readonly orgId: OrgId; readonly id: EventId };

export type ConfigEntry = OrganisationConfig | ApiKeyConfig | WebhookConfig | EventTypeConfig | PayloadDeletionConfig;

/**
 * The ciphertexts to sign with, newest first, and which of them makes a header that holds one signature only: the
 * oldest one that still signs is the one that its receiver has known all along.
 */
export function signingSecrets(
  { secrets, legacySignsWith }: Pick<WebhookConfig, "secrets" | "legacySignsWith">,
  nowMs: number,
): { readonly sealed: readonly Uint8Array[]; readonly legacyIndex: number } {
  const signing = secrets.filter(({ signsUntilMs }) => signsUntilMs === undefined || nowMs < signsUntilMs);
  return {
    sealed: signing.map(({ ciphertext }) => ciphertext),
    legacyIndex: legacySignsWith === "old" ? Math.max(0, signing.length - 1) : 0,
  };
}

/** A value of the bucket: an entry or the tombstone of one, with its row version. */
export type ConfigValue =
  | { readonly kind: "present"; readonly version: number; readonly entry: ConfigEntry }
  | { readonly kind: "deleted"; readonly version: number };
