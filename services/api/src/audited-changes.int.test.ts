/** Every change of the configuration says in the log who made it, what of, and by which request. Never a value. */

import { decodeLogEvents } from "@posthorn/contracts";
import type { ConfigurationChanged } from "@posthorn/domain";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type CallOptions,
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { createApiKeyRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";
import { createEventTypeRoute, deleteEventTypeRoute, updateEventTypeRoute } from "./schemas/event-type.ts";
import { updateOrganisationRoute } from "./schemas/organisation.ts";
import type { Route } from "./schemas/route.ts";
import { createWebhookRoute, deleteWebhookRoute, rotateSecretRoute, updateWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

async function changesInTheLog(): Promise<readonly ConfigurationChanged[]> {
  const { state } = await backend.connection.manager.streams.info("LOG");
  const changes: ConfigurationChanged[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
    const message = await backend.connection.manager.streams.getMessage("LOG", { seq });
    const decoded = decodeLogEvents(message?.data ?? new Uint8Array());
    if (decoded.kind === "decoded")
      changes.push(...decoded.value.filter((event) => event.kind === "configuration.changed"));
  }
  return changes;
}

it("all of them are recorded, refusals are not", async () => {
  const { org, adminKeyId } = tenant;
  const expected: unknown[] = [];
  const act = async <R extends Route>(
    route: R,
    options: CallOptions,
    subjectKind: string,
    fields: readonly string[],
  ) => {
    const requestId = `request-${expected.length}`;
    const headers = { "x-request-id": requestId };
    const path = { org, ...options.path };
    const called = await api.call(route, { key: tenant.keys.admin, ...options, path, headers });
    expect(called.status).toBeLessThan(300);
    expected.push({ action: route.operation, actor: adminKeyId, orgId: org, subjectKind, fields, requestId });
    return called.body as { readonly id: string };
  };
  const key = await act(createApiKeyRoute, { body: { name: "x", scope: "ci" } }, "api-key", ["name", "scope"]);
  await act(revokeApiKeyRoute, { path: { key: key.id } }, "api-key", []);
  const fields = ["headers", "url", "events"];
  const body = { ...WEBHOOK, headers: { "X-Own": "canary" } };
  const { id: webhook } = await act(createWebhookRoute, { body }, "webhook", fields);
  await act(updateWebhookRoute, { path: { webhook }, body: { filter: null } }, "webhook", ["filter"]);
  await act(rotateSecretRoute, { path: { webhook }, body: { overlap_s: 5 } }, "webhook", ["overlap_s"]);
  await act(deleteWebhookRoute, { path: { webhook } }, "webhook", []);
  const { id: eventType } = await act(createEventTypeRoute, { body: { name: "a" } }, "event-type", ["name"]);
  await act(updateEventTypeRoute, { path: { eventType }, body: { schema: {} } }, "event-type", ["schema"]);
  await act(deleteEventTypeRoute, { path: { eventType } }, "event-type", []);
  const strict = { strict_event_types: true };
  await act(updateOrganisationRoute, { body: strict }, "organisation", ["strict_event_types"]);
  const headers = { "x-request-id": "request-refused" };
  await api.call(updateWebhookRoute, { path: { org, webhook }, headers, body: { filter: null } });
  await api.call(createWebhookRoute, { path: { org }, headers, body: { ...WEBHOOK, signing: "none" } });

  const made = async () => (await changesInTheLog()).filter(({ requestId }) => requestId.startsWith("request-"));
  await waitUntil(async () => (await made()).length >= expected.length, { describe: "the changes in the log" });
  const recorded = await made();
  expect(recorded).toHaveLength(expected.length);
  expect(recorded).toMatchObject(expected);
  const subjects = recorded.map(({ subjectId }) => subjectId);
  expect(subjects).toEqual([key.id, key.id, ...Array(4).fill(webhook), ...Array(3).fill(eventType), org]);
  expect(JSON.stringify(recorded)).not.toContain("canary");
});
