/** The description of the API: it is what is checked in, it is sound, and it tells what is really sent. */

import { readFile } from "node:fs/promises";
import {
  type AcceptedEvent,
  type DeliveryId,
  PROFILE_NAMES,
  parseDeliveryId,
  parseEventId,
  parseOrgId,
  renderBody,
} from "@posthorn/domain";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { EVERY_ROUTE } from "../schemas/every-route.ts";
import { openApiDocument, openApiText } from "./document.ts";
import { createJsonSchemas } from "./json-schemas.ts";
import { describeOutgoing } from "./outgoing.ts";
import { templateOf } from "./path-parameters.ts";

const { version } = packageJson;

it("is checked in as it is; `npm run openapi` writes it anew", async () => {
  const checkedIn = await readFile(new URL("../../openapi.json", import.meta.url), "utf8");
  expect(checkedIn === openApiText(version)).toBe(true);
});

describe("the linter", () => {
  const problemsOf = async (source: string) => {
    const config = await createConfig({ extends: ["recommended-strict"] });
    const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
    return problems.map(({ ruleId, message, location }) => ({ ruleId, message, at: location[0]?.pointer }));
  };

  it("finds nothing", async () => {
    expect(await problemsOf(openApiText(version))).toEqual([]);
  });

  it("would find a broken reference, a type that is none, and an operation without a summary", async () => {
    const broken = openApiText(version)
      .replace("#/components/schemas/Webhook", "#/components/schemas/Nothing")
      .replace('"type": "integer"', '"type": "number of things"')
      .replace(/"summary": "[^"]*",/, "");
    const rules = (await problemsOf(broken)).map(({ ruleId }) => ruleId);
    expect(rules).toEqual(expect.arrayContaining(["no-unresolved-refs", "struct", "operation-summary"]));
  });
});

it("has every route, with what it takes and how it answers", () => {
  const { paths } = openApiDocument(version);
  for (const route of EVERY_ROUTE) {
    const operation = paths[templateOf(route.path)]?.[route.method.toLowerCase()];
    expect(operation).toMatchObject({
      operationId: route.operation,
      responses: { [route.success.status]: expect.anything(), 401: expect.anything(), 422: expect.anything() },
    });
  }
});

it("says what code checks and transforms: lengths, patterns, numbers that travel as texts", () => {
  const { paths } = openApiDocument(version);
  const created = JSON.stringify(paths["/v1/orgs/{org}/webhooks"]?.post);
  expect(created).toContain('"maxLength":128,"pattern":"^(\\\\*|[A-Za-z0-9_-]+)(\\\\.(\\\\*|[A-Za-z0-9_-]+))*$"');
  expect(created).toContain('"minLength":1,"maxLength":1000,"pattern":"^\\\\P{Cc}*$"');
  const listed = JSON.stringify(paths["/v1/orgs/{org}/deliveries"]?.get);
  expect(listed).toContain('"name":"limit","in":"query","schema":{"type":"integer","minimum":1,"maximum":500,');
  expect(listed).toContain('"name":"success","in":"query","schema":{"type":"boolean"}');
});

it("lets the answer to a repeated creation have no secret, and no other answer", () => {
  const { paths } = openApiDocument(version);
  const schemaOf = (path: string) => {
    const text = JSON.stringify(paths[path]?.post);
    return JSON.parse(text).responses[201].content["application/json"].schema;
  };
  const webhook = schemaOf("/v1/orgs/{org}/webhooks");
  expect(Object.keys(webhook.properties)).toContain("secret");
  expect(webhook.required).not.toContain("secret");
  expect(webhook.required).toContain("id");
});

const EVENT: AcceptedEvent = {
  id: parsed(parseEventId("01890a5d-ac96-774b-bcce-b302099a8057")),
  orgId: parsed(parseOrgId("01890a5d-ac96-774b-bcce-b302099a8058")),
  type: "agent.status",
  timestamp: undefined,
  acceptedAtMs: Date.parse("2026-03-24T13:37:00Z"),
  data: Buffer.from('{"a":1}'),
  traceparent: "",
  callerId: undefined,
  forWebhook: undefined,
  hops: 0,
};
const DELIVERY: DeliveryId = parsed(parseDeliveryId("01890a5d-ac96-774b-bcce-b302099a8059"));

it.each(PROFILE_NAMES)("describes the body that receivers of the profile %s get", (profile) => {
  const outgoing = describeOutgoing(createJsonSchemas());
  const schema = outgoing[profile]?.post.requestBody.content["application/json"].schema ?? {};
  const validate = new Ajv2020({ strict: true, formats: { uuid: true } }).compile(schema);
  const rendered = renderBody({ profile, eventTypePrefix: "x-", messageId: DELIVERY }, EVENT);
  const body: unknown = JSON.parse(rendered.kind === "body" ? Buffer.from(rendered.bytes).toString() : "");
  expect(validate(body), JSON.stringify(validate.errors)).toBe(true);
  // Nothing is left out of the description, and nothing is in it that is not sent.
  if (profile === "nextmv") return;
  expect(Object.keys(schema.properties ?? {})).toEqual(Object.keys(body as object));
  expect(schema).toMatchObject({ additionalProperties: false, required: Object.keys(body as object) });
});

function parsed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("a malformed id");
  return value;
}
