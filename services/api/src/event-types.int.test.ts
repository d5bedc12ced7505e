/** The catalogue of event types over REST, and what ingest gets to see of it and of the demand for known types. */

import type { ConfigValue } from "@posthorn/domain";
import { ConfigReplica } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import {
  createEventTypeRoute,
  deleteEventTypeRoute,
  getEventTypeRoute,
  listEventTypesRoute,
  updateEventTypeRoute,
} from "./schemas/event-type.ts";
import {
  createOrganisationRoute,
  getOrganisationRoute,
  listOrganisationsRoute,
  updateOrganisationRoute,
} from "./schemas/organisation.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let replica: ConfigReplica;
const values = new Map<string, ConfigValue>();

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  replica = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key, value) => values.set(key, value),
    onReset: () => values.clear(),
    onTrouble: () => {},
  });
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  replica[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (eventType?: string) => ({ org: tenant.org, ...(eventType === undefined ? {} : { eventType }) });
const SCHEMA = { type: "object", required: ["level"], properties: { level: { type: "integer", minimum: 1 } } };

async function create(body: Readonly<Record<string, unknown>> = { name: "agent.status" }) {
  return (await api.call(createEventTypeRoute, { path: path(), body })).body;
}

/** What the data plane holds once it has everything that was answered before the call. */
async function held(key: string): Promise<ConfigValue | undefined> {
  await replica.barrier();
  return values.get(key);
}

describe("an event type", () => {
  it("has a name, and a description and a schema if it wants", async () => {
    const created = await create({ name: "agent.status", description: "Now and then", schema: SCHEMA });
    expect(created).toMatchObject({ name: "agent.status", description: "Now and then", schema: SCHEMA });
    expect((await api.call(getEventTypeRoute, { path: path(created.id) })).body).toEqual(created);
    expect(await create({ name: "agent.other" })).toMatchObject({ description: null, schema: null });
    expect(await held(`event-type.${tenant.org}.${created.id}`)).toEqual({
      kind: "present",
      version: 1,
      entry: {
        kind: "event-type",
        id: created.id,
        orgId: tenant.org,
        name: "agent.status",
        schema: JSON.stringify(SCHEMA),
      },
    });
  });

  it("is listed, newest first, in pages", async () => {
    const created = [];
    for (const name of ["a", "b", "c"]) created.push(await create({ name }));
    const first = (await api.call(listEventTypesRoute, { path: path(), query: { limit: "2" } })).body;
    const cursor = first.next_cursor ?? "";
    const second = (await api.call(listEventTypesRoute, { path: path(), query: { limit: "2", cursor } })).body;
    expect([...first.items, ...second.items]).toEqual(created.toReversed());
    expect(second.next_cursor).toBeNull();
  });

  it("changes what is given and nothing else; null is none", async () => {
    const { id, ...before } = await create({ name: "agent.status", description: "before", schema: SCHEMA });
    const update = async (body: object) => (await api.call(updateEventTypeRoute, { path: path(id), body })).body;
    const described = await update({ description: "after" });
    expect(described).toEqual({ id, ...before, description: "after", updated_at: described.updated_at });
    expect(await update({ schema: null })).toMatchObject({ description: "after", schema: null });
    expect(await held(`event-type.${tenant.org}.${id}`)).toMatchObject({ version: 3, entry: { schema: undefined } });
  });

  it("that is deleted is gone, and its name is free", async () => {
    const { id } = await create();
    expect((await api.call(deleteEventTypeRoute, { path: path(id) })).status).toBe(204);
    for (const route of [getEventTypeRoute, updateEventTypeRoute, deleteEventTypeRoute]) {
      const body = route.method === "PATCH" ? { description: "x" } : undefined;
      expect((await api.call(route, { path: path(id), body })).problem.detail).toBe("There is no such event type.");
    }
    expect(await held(`event-type.${tenant.org}.${id}`)).toEqual({ kind: "deleted", version: 2 });
    expect((await create()).id).not.toBe(id);
  });

  it("has its name to itself", async () => {
    await create();
    const { problem } = await api.call(createEventTypeRoute, { path: path(), body: { name: "agent.status" } });
    expect(problem).toMatchObject({ status: 409, errors: [{ path: "/name", message: "is taken" }] });
    expect(problem.type).toContain("event-type-exists");
    const other = await createTenant(api.call);
    const elsewhere = { path: { org: other.org }, body: { name: "agent.status" } };
    expect((await api.call(createEventTypeRoute, elsewhere)).status).toBe(201);
  });

  it.each([
    [{}, "/name", "must be a text"],
    [{ name: "agent.*" }, "/name", expect.stringContaining("tokens")],
    [{ name: "" }, "/name", expect.stringContaining("1 to 128")],
    [{ name: "posthorn.webhook.disabled" }, "/name", "must not begin with posthorn, which is reserved"],
    [{ name: "a", schema: "object" }, "/schema", "must be null or a JSON Schema, which is an object"],
    [{ name: "a", schema: true }, "/schema", "must be null or a JSON Schema, which is an object"],
    [{ name: "a", schema: { type: "nothing" } }, "/schema", expect.any(String)],
    [{ name: "a", schema: { $ref: "https://example.com/schema" } }, "/schema", expect.any(String)],
    [{ name: "a", schema: { description: "x".repeat(33_000) } }, "/schema", expect.stringContaining("32768")],
    [{ name: "a", more: 1 }, "/more", "is not a known field"],
  ])("refuses %j", async (body, at, message) => {
    const { problem } = await api.call(createEventTypeRoute, { path: path(), body });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
  });

  it("does not change its name", async () => {
    const { id } = await create();
    const { problem } = await api.call(updateEventTypeRoute, { path: path(id), body: { name: "other" } });
    expect(problem.errors).toEqual([{ path: "/name", message: "is not a known field" }]);
  });
});

describe("an organisation", () => {
  it("demands known types when it says so", async () => {
    const key = tenant.keys.ci;
    expect((await api.call(getOrganisationRoute, { path: path(), key })).body.strict_event_types).toBe(false);
    const update = async (body: object) => (await api.call(updateOrganisationRoute, { path: path(), key, body })).body;
    expect(await update({ strict_event_types: true })).toMatchObject({ name: "Acme", strict_event_types: true });
    const at = `organisation.${tenant.org}.${tenant.org}`;
    expect(await held(at)).toMatchObject({ version: 2, entry: { strictEventTypes: true } });
    expect((await api.call(listOrganisationsRoute, { key })).body.items).toMatchObject([{ strict_event_types: true }]);
    expect(await update({ name: "Renamed" })).toMatchObject({ name: "Renamed", strict_event_types: true });
    expect(await update({ strict_event_types: null })).toMatchObject({ name: "Renamed", strict_event_types: false });
    expect(await held(at)).toMatchObject({ version: 4, entry: { strictEventTypes: false } });
  });

  it("may be strict from the beginning", async () => {
    const body = { name: "Strict", strict_event_types: true };
    const created = (await api.call(createOrganisationRoute, { body })).body;
    expect(created.strict_event_types).toBe(true);
    expect(await held(`organisation.${created.id}.${created.id}`)).toMatchObject({
      entry: { strictEventTypes: true },
    });
  });
});
