/** Describes a route as an operation of OpenAPI. */

import { scopesFor } from "../core/caller.ts";
import { IDEMPOTENCY_KEY_LENGTH_MAX } from "../core/idempotency-key.ts";
import { type Creation, needsBody, type Route } from "../schemas/route.ts";
import type { JsonSchema } from "../schemas/wire-form.ts";
import type { JsonSchemas } from "./json-schemas.ts";
import { pathParametersOf } from "./path-parameters.ts";
import { refusalsOf } from "./refusals.ts";

const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";

export function describeOperation(route: Route, schemas: JsonSchemas) {
  return {
    operationId: route.operation,
    summary: route.summary,
    description: descriptionOf(route),
    tags: [route.tag],
    parameters: [
      ...pathParametersOf(route.path),
      ...queryParametersOf(route, schemas),
      ...(route.creates === undefined ? [] : [{ $ref: "#/components/parameters/IdempotencyKey" }]),
      { $ref: "#/components/parameters/RequestId" },
    ],
    ...requestBodyOf(route, schemas),
    responses: Object.fromEntries([successOf(route, schemas), ...refusalsOf(route).map(refusalOf)]),
  };
}

export const COMMON_PARAMETERS = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Your own name for this request. For 24 hours a repetition with the same path and body answers what the first " +
      "one made, without its secrets, and makes nothing. Bare or in double quotes; each organisation and operation " +
      "has its own keys.",
    schema: { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_LENGTH_MAX, pattern: "^[!-~]+$" },
  },
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description: "Your own id for this request; another one is made in the place of one that is none",
    schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,128}$" },
  },
} as const;

export const COMMON_HEADERS = {
  RequestId: { description: "The request's id, as in the logs", schema: { type: "string" }, required: true },
  IdempotencyReplayed: {
    description: "`true` when another request with this Idempotency-Key has made what is shown",
    schema: { type: "string", const: "true" },
  },
  RateLimitPolicy: {
    description: "What the key may do: `q` requests per `w` seconds. Only where a limit is configured",
    schema: { type: "string" },
    example: '"default";q=600;w=60',
  },
  RateLimit: {
    description: "What is left of that: `r` requests for `t` seconds. Only where a limit is configured",
    schema: { type: "string" },
    example: '"default";r=599;t=60',
  },
  RetryAfter: { description: "Seconds to wait before the next try", schema: { type: "integer", minimum: 0 } },
  WwwAuthenticate: { description: "How to authenticate", schema: { type: "string" } },
} as const;

const COMMON_RESPONSE_HEADERS = {
  "X-Request-Id": { $ref: "#/components/headers/RequestId" },
  RateLimit: { $ref: "#/components/headers/RateLimit" },
  "RateLimit-Policy": { $ref: "#/components/headers/RateLimitPolicy" },
};

/** A refusal with its headers. */
export function problemResponse(status: number, description: string) {
  return {
    description,
    headers: {
      ...COMMON_RESPONSE_HEADERS,
      ...(status === 401 ? { "WWW-Authenticate": { $ref: "#/components/headers/WwwAuthenticate" } } : {}),
      ...(status === 429 || status === 503 ? { "Retry-After": { $ref: "#/components/headers/RetryAfter" } } : {}),
    },
    content: { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

function descriptionOf({ description, access, changesConfiguration }: Route): string {
  const scopes = scopesFor(access);
  const who = scopes.length === 0 ? "Only the root key may do this." : `For keys of scope ${scopes.join(", ")}.`;
  const when = changesConfiguration ? "The answer comes when the change is in effect." : undefined;
  return [description, who, when].filter((part) => part !== undefined).join("\n\n");
}

function queryParametersOf({ query }: Route, schemas: JsonSchemas) {
  const { properties = {}, required = [] } = schemas.write(query, "input");
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = typeof property === "object" ? property : {};
    return {
      name,
      in: "query",
      ...(description === undefined ? {} : { description }),
      ...(required.includes(name) ? { required: true } : {}),
      schema,
    };
  });
}

function requestBodyOf(route: Route, schemas: JsonSchemas) {
  const { body } = route;
  if (body === undefined) return {};
  const content = { [JSON_TYPE]: { schema: schemas.write(body, "input") } };
  return { requestBody: { required: needsBody(route), content } };
}

function successOf({ success, creates }: Route, schemas: JsonSchemas): readonly [string, unknown] {
  const isRepeatable = creates !== undefined;
  const replayed = { "Idempotency-Replayed": { $ref: "#/components/headers/IdempotencyReplayed" } };
  const answer = success.body === undefined ? undefined : schemas.write(success.body, "output");
  const schema = answer === undefined || creates === undefined ? answer : repeatable(answer, creates);
  return [
    String(success.status),
    {
      description: SUCCESS_WORDS[success.status],
      headers: { ...COMMON_RESPONSE_HEADERS, ...(isRepeatable ? replayed : {}) },
      ...(schema === undefined ? {} : { content: { [JSON_TYPE]: { schema } } }),
    },
  ];
}

const SUCCESS_WORDS = { 200: "Done", 201: "Created", 202: "Accepted", 204: "Done; nothing comes back" } as const;

/** A repetition is answered without the secrets. */
function repeatable(schema: JsonSchema, { shownOnce }: Creation): JsonSchema {
  if (shownOnce.length === 0) return schema;
  const { properties = {}, required = [] } = schema;
  for (const member of shownOnce) {
    if (!Object.hasOwn(properties, member)) throw new Error(`no answer has the member ${member} that is shown once`);
  }
  const described = Object.entries(properties).map(([name, property]) => [
    name,
    shownOnce.includes(name) && typeof property === "object" ? { ...property, description: SHOWN_ONCE } : property,
  ]);
  return {
    ...schema,
    properties: Object.fromEntries(described),
    required: required.filter((member) => !shownOnce.includes(member)),
  };
}

const SHOWN_ONCE = "Shown this once; absent from the answer to a repetition with the same Idempotency-Key";

function refusalOf({ status, description }: ReturnType<typeof refusalsOf>[number]): readonly [string, unknown] {
  const shared = { $ref: `#/components/responses/Refused${status}` };
  return [String(status), description === undefined ? shared : problemResponse(status, description)];
}
