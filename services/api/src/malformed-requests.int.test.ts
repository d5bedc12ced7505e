/** What nobody should send: requests made at random of the description of the API. None of them may be our mistake. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createTenant,
  ROOT_KEY,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { type CheckAnswer, documentedAnswers } from "./documented-answers.fixture.ts";
import { EVERY_ROUTE } from "./every-route.fixture.ts";
import { createThings } from "./existing-things.fixture.ts";
import { malformedRequest, type Operation, operationsOf } from "./malformed-requests.fixture.ts";
import { OPENAPI_PATH, type OpenApiDocument } from "./openapi/document.ts";
import { listWebhooksRoute } from "./schemas/webhook.ts";

const REQUESTS_PER_OPERATION = 30;
const SEED = 20_260_324;
const BODIES = Object.fromEntries(EVERY_ROUTE.map(({ name, body }) => [name, body]));

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let check: CheckAnswer;
let operations: readonly Operation[];
let path: Readonly<Record<string, string>>;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  tenant = await createTenant(api.call);
  check = await documentedAnswers(api.url);
  const document = (await (await fetch(api.url + OPENAPI_PATH)).json()) as OpenApiDocument;
  operations = operationsOf(document);
  path = await createThings(backend, api.call, tenant);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

it("are refused with 4xx, told where when it is 422, and leave the service as it was", async () => {
  const authorization = `Bearer ${ROOT_KEY}`;
  let sent = 0;
  const statuses = new Set<number>();
  const ofRoutes = operations.filter(({ operationId }) => operationId in BODIES);
  expect(ofRoutes).toHaveLength(EVERY_ROUTE.length);
  for (const operation of ofRoutes) {
    const malformed = malformedRequest(operation, BODIES, path);
    const property = fc.asyncProperty(malformed, async ({ method, url, headers, body }) => {
      const response = await fetch(api.url + url, {
        method,
        headers: { ...headers, authorization },
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      const { status } = response;
      sent += 1;
      statuses.add(status);
      expect(status, text).toBeGreaterThanOrEqual(400);
      expect(status, text).toBeLessThan(500);
      const problem = JSON.parse(text);
      if (status === 422) expect(problem.errors, text).toEqual(expect.arrayContaining([TOLD]));
      // What reached the route answers as documented; the others are of paths that no route has.
      if (![404, 405].includes(status)) check(routeOf(operation), { status, headers: response.headers, text });
    });
    await fc.assert(property, { numRuns: REQUESTS_PER_OPERATION, seed: SEED });
  }
  expect(sent).toBeGreaterThanOrEqual(200);
  expect([...statuses]).toEqual(expect.arrayContaining([400, 404, 414, 415, 422]));

  const { items } = (await api.call(listWebhooksRoute, { path: { org: tenant.org } })).body;
  expect(items).toHaveLength(1);
  const ready = await fetch(`${api.url}/readyz`);
  expect(ready.status).toBe(200);
  expect(await api.metrics()).not.toMatch(/api_requests_total\{[^}]*status="5/);
});

const TOLD = { path: expect.stringMatching(/^(\/.*)?$/s), message: expect.any(String) };

function routeOf({ operationId }: Operation) {
  const found = EVERY_ROUTE.find(({ name }) => name === operationId);
  if (found === undefined) throw new Error(`${operationId} is no route`);
  return found.route;
}
