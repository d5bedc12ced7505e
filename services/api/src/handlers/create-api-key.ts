/** Creates an API key. The key leaves in this answer and is kept nowhere. */

import { parseApiKeyId } from "@posthorn/domain";
import { apiKeyText, KEY_RANDOM_BYTES } from "../core/api-key.ts";
import { presentApiKey } from "../core/present-api-key.ts";
import type { ApiKeys } from "../io/api-keys.ts";
import { hashOfKey } from "../io/key-hash.ts";
import { createApiKeyRoute } from "../schemas/api-key.ts";
import { audited, changedBy, fieldsOf, together } from "./audited.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler } from "./handler.ts";

export type CreateApiKeyPorts = {
  readonly apiKeys: Pick<ApiKeys, "insert">;
  readonly prefix: string;
  readonly chance: Chance;
};

export function createApiKey({ apiKeys, prefix, chance }: CreateApiKeyPorts): Handler<typeof createApiKeyRoute> {
  return async (request) => {
    const { parameters, body, keep } = request;
    const key = apiKeyText(prefix, chance.randomBytes(KEY_RANDOM_BYTES));
    const apiKey = { ...newBirth(chance, parseApiKeyId), name: body.name, scope: body.scope };
    const answer = done({ ...presentApiKey({ ...apiKey, lastUsedAtMs: undefined, revokedAtMs: undefined }), key });
    const orgId = parameters.org;
    const what = { orgId, subjectKind: "api-key", subjectId: apiKey.id, fields: fieldsOf(body) } as const;
    const audit = audited(changedBy(createApiKeyRoute, request), what, chance);
    await apiKeys.insert({ ...apiKey, orgId, hash: hashOfKey(key) }, together(audit, keep(answer)));
    return answer;
  };
}
