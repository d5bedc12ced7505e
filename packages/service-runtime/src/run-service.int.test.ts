import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { spawnScripted } from "./fixtures/spawn-scripted.ts";

/** How long a stop waits for what hangs. */
const STOP_BY_FORCE_MS = 8_000;

async function urlOf(child: ReturnType<typeof spawnScripted>): Promise<string> {
  return `http://127.0.0.1:${(await child.line("starting")).port}`;
}

describe.concurrent("the life of a process", () => {
  it("is alive before it is ready, and ready once its service has started", async () => {
    await using child = spawnScripted({ SCRIPTED_START_MS: "1500" });
    const url = await urlOf(child);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const early = await fetch(`${url}/readyz`);
    expect([early.status, await early.json()]).toEqual([503, { status: "starting", dependencies: {} }]);
    expect((await fetch(`${url}/slow`)).status).toBe(503);

    await child.line("ready");
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/slow`)).json()).toEqual({ slow: true });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("nodejs_eventloop_lag_p99_seconds");
  });

  it("logs its effective settings with secrets masked", async () => {
    await using child = spawnScripted();
    const { level, service, pid, settings } = await child.line("ready");
    expect({ level, service, pid }).toEqual({ level: "info", service: "scripted", pid: child.pid });
    expect(settings).toMatchObject({ POSTHORN_SCRIPTED_PORT: 0, POSTHORN_LEASH: "none", SCRIPTED_PASSWORD: "***" });
    expect(JSON.stringify(child.lines)).not.toContain("hush");
  });
});

describe.concurrent("a stop", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "on %s disposes in order, flushes its log and exits with 0",
    async (signal) => {
      await using child = spawnScripted();
      await child.line("ready");
      child.signal(signal);
      expect(await child.ended()).toEqual({ code: 0, signal: null, stderr: "" });
      const messages = child.lines.map(({ msg }) => msg);
      expect(messages.slice(messages.indexOf("ready"))).toEqual([
        "ready",
        "stopping",
        "http closed",
        "database closed",
        "stopped",
      ]);
    },
  );

  it("lets requests in flight finish, refuses new ones, and stays alive to say so", async () => {
    await using child = spawnScripted();
    const url = await urlOf(child);
    await child.line("ready");
    const slow = fetch(`${url}/slow`);
    await child.line("a slow request began");
    child.signal("SIGTERM");
    await sleep(100);
    const [refused, ready, alive] = await Promise.all([
      fetch(`${url}/slow`),
      fetch(`${url}/readyz`),
      fetch(`${url}/livez`),
    ]);
    expect([refused.status, ready.status, alive.status]).toEqual([503, 503, 200]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await (await slow).json()).toEqual({ slow: true });
    expect((await child.ended()).code).toBe(0);
  });

  it("comes when the leash ends", async () => {
    await using child = spawnScripted({ POSTHORN_LEASH: "stdin" });
    await child.line("ready");
    child.stdin.end();
    expect(await child.ended()).toMatchObject({ code: 0 });
    expect(child.lines.find(({ msg }) => msg === "stopping")).toMatchObject({ why: "leash" });
  });

  it("does not come from standard input without a leash, nor is it held up by an open one", async () => {
    await using child = spawnScripted();
    await child.line("ready");
    child.stdin.end();
    await sleep(300);
    expect(child.lines.some(({ msg }) => msg === "stopping")).toBe(false);

    await using leashed = spawnScripted({ POSTHORN_LEASH: "stdin" });
    await leashed.line("ready");
    leashed.signal("SIGTERM");
    expect(await leashed.ended()).toMatchObject({ code: 0 });
  });

  it("calls off a start that takes long", async () => {
    await using child = spawnScripted({ SCRIPTED_START_MS: "60000" });
    await child.line("starting");
    child.signal("SIGTERM");
    expect(await child.ended()).toMatchObject({ code: 0 });
  });

  it("takes a second signal soon after the first for the same one", async () => {
    await using child = spawnScripted();
    const url = await urlOf(child);
    await child.line("ready");
    const slow = fetch(`${url}/slow`);
    await child.line("a slow request began");
    child.signal("SIGINT");
    await sleep(100);
    child.signal("SIGTERM");
    expect((await slow).status).toBe(200);
    expect(await child.ended()).toMatchObject({ code: 0 });
  });

  it("ends at once on a later second signal", async () => {
    await using impatient = spawnScripted({ SCRIPTED_STOP_OUTCOME: "hanging" });
    await impatient.line("ready");
    impatient.signal("SIGINT");
    await sleep(1_200);
    const startedAtMs = performance.now();
    impatient.signal("SIGINT");
    expect(await impatient.ended()).toMatchObject({ code: 1 });
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  it.each([
    ["hangs", { SCRIPTED_STOP_OUTCOME: "hanging" }],
    ["leaves a handle open", { SCRIPTED_LEAKS_HANDLE: "true" }],
  ])("that %s is ended by force, with code 1", { timeout: 15_000 }, async (_what, env) => {
    await using child = spawnScripted(env);
    await child.line("ready");
    const startedAtMs = performance.now();
    child.signal("SIGTERM");
    expect(await child.ended()).toMatchObject({ code: 1 });
    expect(performance.now() - startedAtMs).toBeGreaterThan(STOP_BY_FORCE_MS - 100);
    expect(performance.now() - startedAtMs).toBeLessThan(STOP_BY_FORCE_MS + 3_000);
    expect(child.lines.at(-1)).toMatchObject({ level: "fatal" });
  });

  it("that fails exits with 1 after the rest was disposed", async () => {
    await using child = spawnScripted({ SCRIPTED_STOP_OUTCOME: "failed" });
    await child.line("ready");
    child.signal("SIGTERM");
    expect(await child.ended()).toMatchObject({ code: 1 });
    expect(child.lines.some(({ msg }) => msg === "database closed")).toBe(true);
    expect(child.lines.at(-1)).toMatchObject({ level: "fatal", msg: "the service could not stop cleanly" });
  });
});

describe.concurrent("a failure", () => {
  it("of the settings is told in one sentence each, with code 2 and no log", async () => {
    await using child = spawnScripted({ POSTHORN_SCRIPTED_PORT: "eighty", SCRIPTED_PASSWORD: "" });
    expect(await child.ended()).toEqual({
      code: 2,
      signal: null,
      stderr:
        'scripted: POSTHORN_SCRIPTED_PORT is "eighty"; it must be a whole number from 0 to 65535.\n' +
        "scripted: SCRIPTED_PASSWORD is not set; it must be a secret text.\n",
    });
    expect(child.lines).toEqual([]);
  });

  it("of the settings that only the service can judge is told the same way", { timeout: 15_000 }, async () => {
    await using child = spawnScripted({ SCRIPTED_START_OUTCOME: "refused", SCRIPTED_LEAKS_HANDLE: "true" });
    const stderr = "scripted: SCRIPTED_START_OUTCOME asks for a refusal.\n";
    expect(await child.ended()).toMatchObject({ code: 2, stderr });
  });

  it("of OpenTelemetry's settings too", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_SAMPLER: "sometimes" };
    await using child = spawnScripted(env);
    const { code, stderr } = await child.ended();
    expect(code).toBe(2);
    expect(stderr).toContain('OTEL_TRACES_SAMPLER is "sometimes"; it must be one of always_on');
  });

  it("to bind the port exits with 1 and says which", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    await using child = spawnScripted({ POSTHORN_SCRIPTED_PORT: String(port) });
    const { code, stderr } = await child.ended();
    taken.close();
    expect([code, stderr]).toEqual([1, `scripted: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`]);
  });

  it("to start is logged, with code 1", async () => {
    await using child = spawnScripted({ SCRIPTED_START_OUTCOME: "failed" });
    expect(await child.ended()).toMatchObject({ code: 1 });
    const fatal = child.lines.find(({ level }) => level === "fatal");
    expect(fatal).toMatchObject({ msg: "the service could not start", error: { message: "told to fail" } });
  });

  it.each([
    ["an exception nobody catches", "/crash", "nobody catches this"],
    ["a rejection nobody awaits", "/reject", "nobody awaits this"],
  ])("such as %s is logged and stops the process cleanly, with code 1", async (_what, path, message) => {
    await using child = spawnScripted();
    const url = await urlOf(child);
    await child.line("ready");
    await fetch(`${url}${path}`, { method: "POST" }).catch(() => undefined);
    expect(await child.ended()).toMatchObject({ code: 1 });
    expect(child.lines.find(({ level }) => level === "fatal")).toMatchObject({ error: { message } });
    expect(child.lines.some(({ msg }) => msg === "database closed")).toBe(true);
  });
});

describe.concurrent("a crash point", () => {
  it("kills the process without a word at the passing that was named, and at no other", async () => {
    await using child = spawnScripted({ POSTHORN_CRASH_POINT: "scripted.worked:3" });
    const url = await urlOf(child);
    await child.line("ready");
    const work = () => fetch(`${url}/work`, { method: "POST" });
    expect([(await work()).status, (await work()).status]).toEqual([200, 200]);
    await expect(work()).rejects.toThrow();
    expect(await child.ended()).toEqual({ code: null, signal: "SIGKILL", stderr: "" });
    expect(child.lines.some(({ msg }) => msg === "stopping")).toBe(false);
  });

  it("that is not one keeps the process from starting, and says why", async () => {
    await using child = spawnScripted({ POSTHORN_CRASH_POINT: "scripted.worked:0" });
    const { code, stderr } = await child.ended();
    expect(code).not.toBe(0);
    expect(stderr).toContain('POSTHORN_CRASH_POINT is "scripted.worked:0"; it must be a name');
  });
});
