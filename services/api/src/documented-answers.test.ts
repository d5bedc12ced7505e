/** The check that every integration test relies on: it would notice what it is there for. */

import { expect, it } from "vitest";
import { answerCheck } from "./documented-answers.fixture.ts";
import { openApiDocument } from "./openapi/document.ts";
import { createApiKeyRoute } from "./schemas/api-key.ts";
import { deleteWebhookRoute } from "./schemas/webhook.ts";

const check = answerCheck(openApiDocument("1.0.0"));

const API_KEY = {
  id: "01890a5d-ac96-774b-bcce-b302099a8057",
  name: "CI",
  scope: "ci",
  created_at: "2026-03-24T13:37:00.000Z",
  last_used_at: null,
  revoked_at: null,
};
const JSON_TYPE = "application/json; charset=utf-8";
const PROBLEM = { type: "about:blank", title: "Conflict", status: 409, detail: "No.", instance: "urn:x" };

function answer(status: number, body: unknown, type = JSON_TYPE, requestId = "1") {
  const headers = new Headers({ "content-type": type, ...(requestId === "" ? {} : { "x-request-id": requestId }) });
  return { status, headers, text: body === undefined ? "" : JSON.stringify(body) };
}

it("takes what is documented", () => {
  check(createApiKeyRoute, answer(201, API_KEY));
  check(createApiKeyRoute, answer(201, { ...API_KEY, key: "ph_sk_" }));
  check(createApiKeyRoute, answer(409, PROBLEM, "application/problem+json"));
  check(deleteWebhookRoute, answer(204, undefined));
});

it.each([
  ["another status", answer(200, API_KEY)],
  ["another media type", answer(201, API_KEY, "text/plain")],
  ["no request id", answer(201, API_KEY, JSON_TYPE, "")],
  ["a member too many", answer(201, { ...API_KEY, version: 1 })],
  ["a member too few", answer(201, { ...API_KEY, id: undefined })],
  ["an id that is none", answer(201, { ...API_KEY, id: "acme" })],
  ["a time without milliseconds", answer(201, { ...API_KEY, created_at: "2026-03-24T13:37:00Z" })],
  ["a problem that is none", answer(409, { ...PROBLEM, detail: undefined }, "application/problem+json")],
  ["a problem as plain JSON", answer(409, PROBLEM)],
])("refuses %s", (_what, undocumented) => {
  expect(() => check(createApiKeyRoute, undocumented)).toThrow();
});

it("refuses a body where none is documented", () => {
  expect(() => check(deleteWebhookRoute, answer(204, {}))).toThrow();
});
