/** An API key as JSON. The key itself is no part of it: nothing stored could give it back. */

import type { ApiKeyId, Scope } from "@posthorn/domain";
import { instant, instantOrNull } from "./instant.ts";

export type ApiKey = {
  readonly id: ApiKeyId;
  readonly name: string;
  readonly scope: Scope;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
};

export function presentApiKey(key: ApiKey) {
  return {
    id: key.id,
    name: key.name,
    scope: key.scope,
    created_at: instant(key.createdAtMs),
    last_used_at: instantOrNull(key.lastUsedAtMs),
    revoked_at: instantOrNull(key.revokedAtMs),
  };
}
