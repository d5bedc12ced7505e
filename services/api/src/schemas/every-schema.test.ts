import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EVERY_ROUTE } from "../every-route.fixture.ts";

describe.each(EVERY_ROUTE)("the route $name", ({ name, route, body }) => {
  it("can be documented: its schemas are JSON Schema, and closed against unknown members", () => {
    expect(name).toMatch(/^[a-z]+[A-Za-z]+$/);
    const parts = { query: route.query, body: route.body, success: route.success.body };
    for (const [part, schema] of Object.entries(parts)) {
      if (schema === undefined) continue;
      const json = z.toJSONSchema(schema, { io: "input" });
      expect(json).toMatchObject({ type: "object", additionalProperties: false });
      expect({ part, ...json }).toHaveProperty("properties");
    }
  });

  it("takes the body that tests send", () => {
    if (route.body === undefined) expect(body).toBeUndefined();
    else expect(route.body.safeParse(body).success).toBe(true);
  });

  it("answers a creation with 201 and a deletion with 204", () => {
    const expected = { GET: 200, PATCH: 200, POST: 201, DELETE: 204 }[route.method];
    expect(route.success.status).toBe(expected);
    expect(route.success.body === undefined).toBe(route.success.status === 204);
    expect(route.changesConfiguration).toBe(route.method !== "GET");
  });
});

it("no two routes share a name, or a method and a path", () => {
  const names = EVERY_ROUTE.map(({ name }) => name);
  const places = EVERY_ROUTE.map(({ route }) => `${route.method} ${route.path}`);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(places).size).toBe(places.length);
});
