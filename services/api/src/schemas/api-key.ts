/** API keys. The key itself is in one answer only: that of its creation. */

import { SCOPES } from "@posthorn/domain";
import { z } from "zod";
import { id, name, oneOf, pageQuery, pageSchema, time } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";

const scope = oneOf(SCOPES);
const apiKey = z
  .strictObject({
    id,
    name: z.string(),
    scope,
    created_at: time,
    last_used_at: time.nullable(),
    revoked_at: time.nullable(),
  })
  .meta({ id: "ApiKey" });

export const createApiKeyRoute = {
  operation: "createApiKey",
  summary: "Create an API key; the answer is the only one that shows it",
  tag: "API keys",
  method: "POST",
  path: "/v1/orgs/:org/api-keys",
  access: "manage-keys",
  changesConfiguration: true,
  creates: { shownOnce: ["key"] },
  query: noQuery,
  body: z.strictObject({ name, scope }),
  success: { status: 201, body: apiKey.extend({ key: z.string() }) },
} as const satisfies Route;

export const listApiKeysRoute = {
  operation: "listApiKeys",
  summary: "List API keys, revoked ones included",
  tag: "API keys",
  method: "GET",
  path: "/v1/orgs/:org/api-keys",
  access: "manage-keys",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(apiKey) },
} as const satisfies Route;

export const revokeApiKeyRoute = {
  operation: "revokeApiKey",
  summary: "Revoke an API key",
  tag: "API keys",
  method: "DELETE",
  path: "/v1/orgs/:org/api-keys/:key",
  access: "manage-keys",
  changesConfiguration: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;
