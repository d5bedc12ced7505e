import type { InjectOptions } from "fastify";
import { describe, expect, it } from "vitest";
import { createHttpServer, type HttpServer, sendProblem } from "./http-server.ts";
import { createLogger } from "./logging.ts";

const BODY_BYTES_MAX = 64;

async function buildApp(bodies: "json" | "bytes" = "json") {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger("scripted", "info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  const app = await createHttpServer({ log, bodyBytesMax: BODY_BYTES_MAX, bodies, newRequestId: () => "made-here" });
  app.get("/things/:id", async (request) => request.params);
  app.get("/files/*", async () => ({}));
  app.post("/things", async (request) => ({ got: Buffer.isBuffer(request.body) ? "bytes" : request.body }));
  app.delete("/things/:id", async (_request, reply) =>
    sendProblem(reply, {
      status: 409,
      type: "payload-expired",
      title: "Payload expired",
      detail: "It is too late.",
      errors: [{ path: "/id", message: "is gone" }],
      headers: { "retry-after": "7" },
    }),
  );
  app.get("/bug", async () => {
    throw new Error("connection to postgres://me:hush@db failed");
  });
  const schema = {
    body: {
      type: "object",
      required: ["url"],
      additionalProperties: false,
      properties: { url: { type: "string" }, limits: { type: "object", properties: { ms: { type: "integer" } } } },
    },
  };
  app.post("/checked", { schema }, async () => ({}));
  return { app, lines };
}

async function problemOf(app: HttpServer, request: InjectOptions) {
  const response = await app.inject(request);
  expect(response.headers["content-type"]).toBe("application/problem+json");
  return { ...response.json(), headers: response.headers };
}

const json = { "content-type": "application/json" };

describe("an error is a problem", () => {
  it.each<[string, InjectOptions, number, string]>([
    ["an unknown path", { url: "/nothing" }, 404, "There is nothing at this path."],
    [
      "an unknown path with a body nobody would read",
      { url: "/nothing", method: "POST", headers: { "content-type": "text/plain" }, payload: "hi" },
      404,
      "There is nothing at this path.",
    ],
    [
      "a body that is no JSON",
      { url: "/things", method: "POST", headers: json, payload: "{" },
      400,
      "The body is not valid JSON in UTF-8.",
    ],
    [
      "a body that is no UTF-8",
      { url: "/things", method: "POST", headers: json, payload: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      "The body is not valid JSON in UTF-8.",
    ],
    [
      "a body that would poison prototypes",
      { url: "/things", method: "POST", headers: json, payload: '{"__proto__":{}}' },
      400,
      "The body is not valid JSON in UTF-8.",
    ],
    [
      "an empty body",
      { url: "/things", method: "POST", headers: json },
      400,
      "The body is empty where JSON was expected.",
    ],
    [
      "a body too large",
      { url: "/things", method: "POST", headers: json, payload: `"${"x".repeat(BODY_BYTES_MAX)}"` },
      413,
      "The body is larger than 64 bytes.",
    ],
    [
      "a body that is no JSON by its own account",
      { url: "/things", method: "POST", headers: { "content-type": "text/plain" }, payload: "{}" },
      415,
      "The body's Content-Type is not supported; send application/json.",
    ],
    ["a path that cannot be decoded", { url: "/things/%ff" }, 400, "The path is not a valid URL path."],
    ["a path with an endless part", { url: `/things/${"x".repeat(513)}` }, 414, "A part of the path is too long."],
  ])("for %s", async (_what, request, status, detail) => {
    const { app, lines } = await buildApp();
    const problem = await problemOf(app, request);
    expect(problem).toMatchObject({ type: "about:blank", title: expect.any(String), status, detail });
    expect(lines).toEqual([]);
  });

  it.each([
    ["PUT", "/things/7", "DELETE, GET, HEAD"],
    ["POST", "/files/a/b", "GET, HEAD"],
    ["GET", "/things?x=/y", "POST"],
  ] as const)("for %s %s, with the methods that are allowed", async (method, url, allow) => {
    const { app } = await buildApp();
    const problem = await problemOf(app, { method, url });
    expect(problem).toMatchObject({
      status: 405,
      title: "Method Not Allowed",
      detail: `${method} is not allowed here; allowed: ${allow}.`,
    });
    expect(problem.headers.allow).toBe(allow);
  });

  it("for a bug, which is logged and of which nothing is told", async () => {
    const { app, lines } = await buildApp();
    const problem = await problemOf(app, { url: "/bug?token=hush" });
    expect(problem).toMatchObject({ status: 500, detail: "Something went wrong on our side." });
    expect(JSON.stringify(problem)).not.toContain("postgres");
    expect(lines).toEqual([expect.objectContaining({ level: "error", request_id: "made-here", route: "/bug" })]);
    expect(JSON.stringify(lines)).not.toContain("token=");
  });

  it("for a refusal of a handler, with all its parts", async () => {
    const { app } = await buildApp();
    const { headers, ...problem } = await problemOf(app, { method: "DELETE", url: "/things/7" });
    expect(problem).toEqual({
      type: "payload-expired",
      title: "Payload expired",
      status: 409,
      detail: "It is too late.",
      instance: "urn:posthorn:request:made-here",
      errors: [{ path: "/id", message: "is gone" }],
    });
    expect(headers["retry-after"]).toBe("7");
  });

  it("for a body that breaks its schema, naming every place and coercing nothing", async () => {
    const { app } = await buildApp();
    const payload = '{"limits":{"ms":"5"},"a/b":1}';
    const problem = await problemOf(app, { method: "POST", url: "/checked", headers: json, payload });
    expect(problem).toMatchObject({ status: 422, detail: "The body is not valid." });
    expect(problem.errors).toEqual([
      { path: "/url", message: "must have required property 'url'" },
      { path: "/a~1b", message: "must NOT have additional properties" },
      { path: "/limits/ms", message: "must be integer" },
    ]);
  });
});

describe("a request", () => {
  it.each([
    ["a sane id", "abc-123_X.9", "abc-123_X.9"],
    ["no id", undefined, "made-here"],
    ["an id with blanks", "a b", "made-here"],
    ["an endless id", "x".repeat(129), "made-here"],
  ])("with %s is answered under its id", async (_what, given, expected) => {
    const { app } = await buildApp();
    const headers = given === undefined ? {} : { "x-request-id": given };
    for (const url of ["/things/7", "/nothing"]) {
      expect((await app.inject({ url, headers })).headers["x-request-id"]).toBe(expected);
    }
    const refusals: InjectOptions[] = [
      { url: "/nothing" },
      { url: "/things/%ff" },
      { url: "/bug" },
      { url: "/things", method: "POST", headers: json, payload: "{" },
    ];
    for (const refusal of refusals) {
      const response = await app.inject({ ...refusal, headers: { ...headers, ...refusal.headers } });
      expect(response.json()).toMatchObject({ instance: `urn:posthorn:request:${expected}` });
      expect(response.headers["x-request-id"]).toBe(expected);
    }
  });

  it("is not logged when it went well", async () => {
    const { app, lines } = await buildApp();
    expect((await app.inject("/things/7")).json()).toEqual({ id: "7" });
    expect(lines).toEqual([]);
  });

  it("may carry an id of 128 percent-encoded characters in its path", async () => {
    const { app } = await buildApp();
    expect((await app.inject(`/things/${"%7E".repeat(128)}`)).json()).toEqual({ id: "~".repeat(128) });
  });

  it("brings its body as bytes where these must be kept, whatever they are", async () => {
    const { app } = await buildApp("bytes");
    const payload = Buffer.from([0xff, 0x7b]);
    const response = await app.inject({ method: "POST", url: "/things", headers: json, payload });
    expect(response.json()).toEqual({ got: "bytes" });
  });
});
