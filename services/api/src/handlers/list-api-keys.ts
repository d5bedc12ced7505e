/** Lists an organisation's API keys, revoked ones included. */

import { presentApiKey } from "../core/present-api-key.ts";
import type { ApiKeys } from "../io/api-keys.ts";
import type { listApiKeysRoute } from "../schemas/api-key.ts";
import { done, type Handler } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export type ListApiKeysPorts = { readonly apiKeys: Pick<ApiKeys, "list"> };

export function listApiKeys({ apiKeys }: ListApiKeysPorts): Handler<typeof listApiKeysRoute> {
  return async ({ parameters, query }) => done(presentPage(await apiKeys.list(parameters.org, query), presentApiKey));
}
