/** Revokes an API key. Doing it again changes nothing. */

import { notFound } from "../core/problems.ts";
import type { ApiKeys } from "../io/api-keys.ts";
import { revokeApiKeyRoute } from "../schemas/api-key.ts";
import { audited, changedBy } from "./audited.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type RevokeApiKeyPorts = { readonly apiKeys: Pick<ApiKeys, "revoke">; readonly chance: Chance };

export function revokeApiKey({ apiKeys, chance }: RevokeApiKeyPorts): Handler<typeof revokeApiKeyRoute> {
  return async (request) => {
    const { org, key } = request.parameters;
    const what = { orgId: org, subjectKind: "api-key", subjectId: key, fields: [] } as const;
    const audit = audited(changedBy(revokeApiKeyRoute, request), what, chance);
    const isKnown = await apiKeys.revoke(org, key, chance.nowMs(), audit);
    return isKnown ? done(undefined) : refused(notFound("API key"));
  };
}
