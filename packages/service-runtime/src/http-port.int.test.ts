import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createHealth } from "./health.ts";
import { openHttpPort } from "./http-port.ts";
import { createHttpServer } from "./http-server.ts";
import { createMetrics } from "./metrics.ts";

const log = pino({ level: "silent" });

async function openPort() {
  const health = createHealth();
  const metrics = createMetrics();
  const http = await openHttpPort({ host: "127.0.0.1", port: 0, health, metrics, log });
  return {
    health,
    metrics,
    http,
    url: `http://127.0.0.1:${http.port}`,
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

async function helloApp() {
  const app = await createHttpServer({ log, bodyBytesMax: 1_024, bodies: "json" });
  app.get("/hello", async () => ({ hello: "world" }));
  const endless = Promise.withResolvers<void>();
  app.get("/endless", () => {
    endless.resolve();
    return new Promise(() => {});
  });
  return { app, endlessBegan: endless.promise };
}

/** Sends raw text and returns all that comes back until the server closes. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  let answer = "";
  socket.on("data", (part) => {
    answer += part;
  });
  socket.write(text);
  await once(socket, "close");
  return answer;
}

describe("the HTTP port of a process", () => {
  it("tells liveness, readiness with each dependency, and metrics", async () => {
    await using port = await openPort();
    const nats = port.health.dependency("nats");
    port.health.started();
    expect(await (await fetch(`${port.url}/livez`)).json()).toEqual({ status: "alive" });

    const degraded = await fetch(`${port.url}/readyz?verbose`);
    expect([degraded.status, await degraded.json()]).toEqual([
      503,
      { status: "degraded", dependencies: { nats: { status: "down", reason: "not connected yet" } } },
    ]);
    nats.up();
    const ready = await fetch(`${port.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: "ready", dependencies: { nats: { status: "up" } } },
    ]);

    port.metrics.counter("seen_total", "Seen").inc();
    const metrics = await fetch(`${port.url}/metrics`);
    expect(metrics.headers.get("content-type")).toBe(port.metrics.contentType);
    expect(await metrics.text()).toContain("posthorn_seen_total 1");
  });

  it("answers 500 for metrics that cannot be collected, and goes on", async () => {
    await using port = await openPort();
    const collect = async (): Promise<void> => {
      throw new Error("no database");
    };
    port.metrics.gauge("broken", "Broken", { collect });
    expect((await fetch(`${port.url}/metrics`)).status).toBe(500);
    expect((await fetch(`${port.url}/livez`)).status).toBe(200);
  });

  it("refuses to change anything", async () => {
    await using port = await openPort();
    const refused = await fetch(`${port.url}/livez`, { method: "POST", body: "{}" });
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("answers 503 elsewhere while starting and stopping, 404 in between when there is no REST", async () => {
    await using port = await openPort();
    const statusOf = async () => (await fetch(`${port.url}/v1/orgs`)).status;
    expect(await statusOf()).toBe(503);
    port.health.started();
    const missing = await fetch(`${port.url}/v1/orgs`);
    expect(missing.headers.get("content-type")).toBe("application/problem+json");
    expect([missing.status, await missing.json()]).toEqual([404, expect.objectContaining({ title: "Not Found" })]);
    port.health.stopping();
    expect(await statusOf()).toBe(503);
  });

  it("tells problems in what is no readable request", async () => {
    await using port = await openPort();
    expect(await exchange(port.http.port, "this is not HTTP\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n.*application\/problem\+json.*"status":400/s,
    );
    const header = `x-long: ${"x".repeat(20_000)}`;
    expect(await exchange(port.http.port, `GET /livez HTTP/1.1\r\nhost: h\r\n${header}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 .*"status":431/s,
    );
  });
});

describe("the REST behind it", () => {
  it("is served until disposed", async () => {
    await using port = await openPort();
    const served = await port.http.serve((await helloApp()).app);
    port.health.started();
    expect(await (await fetch(`${port.url}/hello`)).json()).toEqual({ hello: "world" });
    expect((await fetch(`${port.url}/livez`)).status).toBe(200);
    await served[Symbol.asyncDispose]();
    expect((await fetch(`${port.url}/hello`)).status).toBe(404);
  });

  it("is one at a time", async () => {
    await using port = await openPort();
    await using _served = await port.http.serve((await helloApp()).app);
    await expect(port.http.serve((await helloApp()).app)).rejects.toThrow("serves another app already");
  });

  it("is cut off when a request does not end in time", async () => {
    await using port = await openPort();
    const { app, endlessBegan } = await helloApp();
    const served = await port.http.serve(app);
    const endless = fetch(`${port.url}/endless`).then(
      () => "answered",
      () => "cut off",
    );
    await endlessBegan;
    const startedAtMs = performance.now();
    await served[Symbol.asyncDispose]();
    expect(performance.now() - startedAtMs).toBeGreaterThan(2_000);
    expect(performance.now() - startedAtMs).toBeLessThan(4_500);
    expect(await endless).toBe("cut off");
  });
});

describe("closing the port", () => {
  it("does not wait for idle keep-alive connections", async () => {
    const port = await openPort();
    await (await fetch(`${port.url}/livez`)).text();
    const startedAtMs = performance.now();
    await port[Symbol.asyncDispose]();
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    await expect(fetch(`${port.url}/livez`)).rejects.toThrow();
  });

  it("cuts off a client that never finishes its request", async () => {
    const port = await openPort();
    const socket = connect(port.http.port, "127.0.0.1");
    const cutOff = once(socket, "close");
    socket.on("error", () => {}).write("GET /livez HTTP/1.1\r\nhost: h\r\n");
    await sleep(300);
    const startedAtMs = performance.now();
    await port[Symbol.asyncDispose]();
    await cutOff;
    expect(performance.now() - startedAtMs).toBeGreaterThan(2_000);
    expect(performance.now() - startedAtMs).toBeLessThan(4_500);
  });
});
