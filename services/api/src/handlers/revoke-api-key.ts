/** Revokes an API key. Doing it again changes nothing. */

import { notFound } from "../core/problems.ts";
import type { ApiKeys } from "../io/api-keys.ts";
import type { revokeApiKeyRoute } from "../schemas/api-key.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type RevokeApiKeyPorts = { readonly apiKeys: Pick<ApiKeys, "revoke">; readonly chance: Pick<Chance, "nowMs"> };

export function revokeApiKey({ apiKeys, chance }: RevokeApiKeyPorts): Handler<typeof revokeApiKeyRoute> {
  return async ({ parameters }) => {
    const isKnown = await apiKeys.revoke(parameters.org, parameters.key, chance.nowMs());
    return isKnown ? done(undefined) : refused(notFound("API key"));
  };
}
