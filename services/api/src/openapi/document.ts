/**
 * The description of the API in OpenAPI 3.1, made from the same schemas that requests are checked by. Pure: the same
 * routes give the same document.
 */

import { EVERY_ROUTE } from "../schemas/every-route.ts";
import { problem } from "../schemas/problem.ts";
import { TAGS } from "../schemas/tags.ts";
import { createJsonSchemas, type JsonSchemas } from "./json-schemas.ts";
import { COMMON_HEADERS, COMMON_PARAMETERS, describeOperation, problemResponse } from "./operation.ts";
import { describeOutgoing } from "./outgoing.ts";
import { templateOf } from "./path-parameters.ts";
import { SHARED_REFUSALS } from "./refusals.ts";

export const OPENAPI_PATH = "/v1/openapi.json";

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

/** @param version Posthorn's. */
export function openApiDocument(version: string) {
  const schemas = createJsonSchemas();
  schemas.write(problem, "output");
  const paths = describePaths(schemas);
  const webhooks = describeOutgoing(schemas);
  const usedTags = new Set<string>(["Description", ...EVERY_ROUTE.map((route) => route.tag)]);
  return {
    openapi: "3.1.1",
    info: { title: "Posthorn", version, description: INTRODUCTION, license: LICENSE },
    servers: [{ url: "/", description: "This installation" }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: Object.entries(TAGS)
      .filter(([name]) => usedTags.has(name))
      .map(([name, description]) => ({ name, description })),
    paths,
    webhooks,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "An API key or the root key" },
        apiKey: { type: "apiKey", in: "header", name: "X-API-Key", description: "The same, in a header of its own" },
      },
      parameters: COMMON_PARAMETERS,
      headers: COMMON_HEADERS,
      responses: Object.fromEntries(
        Object.entries(SHARED_REFUSALS).map(([status, description]) => [
          `Refused${status}`,
          problemResponse(Number(status), description),
        ]),
      ),
      schemas: schemas.components,
    },
  };
}

/** The document as it is served and checked in. */
export function openApiText(version: string): string {
  return `${JSON.stringify(openApiDocument(version), null, 2)}\n`;
}

function describePaths(schemas: JsonSchemas) {
  const paths: Record<string, Record<string, unknown>> = { [OPENAPI_PATH]: { get: THIS_DOCUMENT } };
  for (const route of EVERY_ROUTE) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeOperation(route, schemas) };
  }
  return paths;
}

const LICENSE = { name: "Apache-2.0", identifier: "Apache-2.0" };

const INTRODUCTION = `Posthorn delivers events to webhooks. This is its API for people and tools: organisations, keys,
webhooks and the history of deliveries. Events are published at the ingest service.

Bodies are JSON; unknown members and wrong types are refused, nothing is coerced. Times are RFC 3339 in UTC with
milliseconds. Lists run from the newest to the oldest; what changes while pages are turned neither repeats an item nor
hides one. Refusals are problems of RFC 9457.`;

const THIS_DOCUMENT = {
  operationId: "getOpenApi",
  summary: "Get this document",
  tags: ["Description"],
  security: [],
  responses: {
    "200": { description: "Done", content: { "application/json": { schema: { type: "object" } } } },
    "4XX": problemResponse(400, "The request is not readable"),
    "5XX": problemResponse(500, "Something went wrong inside"),
  },
};
