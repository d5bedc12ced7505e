import { describe, expect, it } from "vitest";
import { EVERY_ROUTE } from "../every-route.fixture.ts";
import { createJsonSchemas } from "../openapi/json-schemas.ts";
import type { Route } from "./route.ts";

describe.each(EVERY_ROUTE)("the route $name", ({ name, route, body }) => {
  it("can be documented: its schemas are JSON Schema, and closed against unknown members", () => {
    expect(name).toMatch(/^[a-z]+[A-Za-z]+$/);
    const parts = { query: route.query, body: route.body, success: route.success.body };
    for (const [part, schema] of Object.entries(parts)) {
      if (schema === undefined) continue;
      const schemas = createJsonSchemas();
      const written = schemas.write(schema, "input");
      const json = written.$ref === undefined ? written : schemas.components[written.$ref.split("/").at(-1) ?? ""];
      expect(json).toMatchObject({ type: "object", additionalProperties: false });
      expect({ part, ...json }).toHaveProperty("properties");
    }
  });

  it("takes the body that tests send", () => {
    if (route.body === undefined) expect(body).toBeUndefined();
    else expect(route.body.safeParse(body).success).toBe(true);
  });

  it("answers a creation with 201 or, when it goes on for a while, with 202, and a deletion with 204", () => {
    expect(STATUSES[route.method](route)).toContain(route.success.status);
    expect(route.success.body === undefined).toBe(route.success.status === 204);
  });

  it("waits for a changed configuration to be in effect", () => {
    if (route.method === "GET") expect(route.changesConfiguration).toBe(false);
    else if (route.method !== "POST" || route.success.status === 201) expect(route.changesConfiguration).toBe(true);
  });

  it("is a creation when it says 201, and only a POST can be one", () => {
    if (route.success.status === 201) expect(route.creates).toBeDefined();
    if (route.method !== "POST") expect(route.creates).toBeUndefined();
  });
});

const STATUSES: Readonly<Record<Route["method"], (route: Route) => readonly number[]>> = {
  GET: () => [200],
  PUT: () => [200],
  PATCH: () => [200],
  POST: ({ creates }) => (creates === undefined ? [200, 202] : [200, 201, 202]),
  DELETE: () => [204],
};

it("no two routes share a name, or a method and a path", () => {
  const names = EVERY_ROUTE.map(({ name }) => name);
  const places = EVERY_ROUTE.map(({ route }) => `${route.method} ${route.path}`);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(places).size).toBe(places.length);
});
