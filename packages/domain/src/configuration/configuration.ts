/** The configuration as the data plane sees it: what the KV bucket holds of organisations, keys and webhooks. */

import type { ApiKeyId, OrgId, WebhookId } from "../ids/ids.ts";
import type { ProfileName } from "../profiles/profile.ts";

export const SCOPES = ["admin", "ci", "runtime"] as const;
/** `admin`: all in the organisation; `ci`: all but keys; `runtime`: publish and read. */
export type Scope = (typeof SCOPES)[number];

export function parseScope(text: string): Scope | undefined {
  return SCOPES.find((scope) => scope === text);
}

export type OrganisationConfig = { readonly kind: "organisation"; readonly id: OrgId };

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
  /** Ciphertexts, newest first. */
  readonly sealedSecrets: readonly Uint8Array[];
};

export type ConfigEntry = OrganisationConfig | ApiKeyConfig | WebhookConfig;

/** A value of the bucket: an entry or the tombstone of one, with its row version. */
export type ConfigValue =
  | { readonly kind: "present"; readonly version: number; readonly entry: ConfigEntry }
  | { readonly kind: "deleted"; readonly version: number };
