import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, makeGenericClientConstructor, status } from "@grpc/grpc-js";
import { service as healthDefinition } from "grpc-health-check";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { ECHO_SERVICE, EchoClient, type EchoImplementation, echoDefinition } from "./fixtures/echo-service.ts";
import { callUnary, createGrpcClient, type GrpcClientConstructor, type UnaryMethod } from "./grpc-client.ts";
import { unaryHandler } from "./grpc-handler.ts";
import { type GrpcServer, startGrpcServer } from "./grpc-server.ts";
import { createHealth, type Health } from "./health.ts";
import { createLogger } from "./logging.ts";

const silent = pino({ level: "silent" });
const DEADLINE_MS = 10_000;

interface EchoOptions {
  readonly port?: number;
  readonly name?: string;
  readonly health?: Health;
  /** Told when a call with the request "slow" has arrived. */
  onSlowCall?(): void;
}

function startEcho(options: EchoOptions = {}) {
  const implementation: EchoImplementation = {
    echo: unaryHandler(silent, async (request) => {
      if (request === "slow") {
        options.onSlowCall?.();
        await sleep(500);
      }
      return { kind: "response", response: `${options.name ?? "echo"} ${request}` };
    }),
    chat: (call) => {
      call.on("data", (message: string) => call.write(`echo ${message}`));
      call.on("end", () => call.end());
    },
  };
  return startGrpcServer({
    host: "127.0.0.1",
    port: options.port ?? 0,
    services: [{ definition: echoDefinition, implementation }],
    log: silent,
    health: options.health ?? createHealth(),
  });
}

function clientOf(target: string | GrpcServer): EchoClient & Disposable {
  const client = createGrpcClient(EchoClient, typeof target === "string" ? target : `127.0.0.1:${target.port}`);
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

function echo(client: EchoClient, request: string, signal?: AbortSignal): Promise<string> {
  const options = { deadlineMs: DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
  return callUnary(client.echo.bind(client), request, options);
}

describe("a unary call", () => {
  it("comes back with its answer", async () => {
    await using server = await startEcho();
    using client = clientOf(server);
    expect(await echo(client, "hello")).toBe("echo hello");
  });

  it("ends at its deadline", async () => {
    await using server = await startEcho();
    using client = clientOf(server);
    const late = callUnary(client.echo.bind(client), "slow", { deadlineMs: 100 });
    await expect(late).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });

  it("ends when it is called off, before or during", async () => {
    await using server = await startEcho();
    using client = clientOf(server);
    await expect(echo(client, "slow", AbortSignal.timeout(100))).rejects.toMatchObject({ code: status.CANCELLED });
    await expect(echo(client, "hello", AbortSignal.abort())).rejects.toMatchObject({ code: status.CANCELLED });
  });

  it("may be large up to its limit", async () => {
    await using server = await startEcho();
    using client = clientOf(server);
    const mebibyte = 1_024 * 1_024;
    expect(await echo(client, "x".repeat(7 * mebibyte))).toHaveLength(7 * mebibyte + "echo ".length);
    const refused = echo(client, "x".repeat(8 * mebibyte + 1));
    await expect(refused).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it("tells a refusal as it is, and a bug only to the log", async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger("scripted", "info", { write: (line: string) => void lines.push(JSON.parse(line)) });
    const echoOrFail = unaryHandler<string, string>(log, async (request) => {
      if (request === "bug") throw new Error("the password is hush");
      return { kind: "refusal", code: status.NOT_FOUND, detail: `there is no ${request}` };
    });
    await using server = await startGrpcServer({
      host: "127.0.0.1",
      port: 0,
      services: [{ definition: echoDefinition, implementation: { echo: echoOrFail, chat: () => {} } }],
      log,
      health: createHealth(),
    });
    using client = clientOf(server);
    const refusal = { code: status.NOT_FOUND, details: "there is no unicorn" };
    await expect(echo(client, "unicorn")).rejects.toMatchObject(refusal);
    expect(lines).toEqual([]);
    const bug = { code: status.INTERNAL, details: "Something went wrong on our side." };
    await expect(echo(client, "bug")).rejects.toMatchObject(bug);
    expect(lines).toEqual([expect.objectContaining({ level: "error", rpc: `/${ECHO_SERVICE}/Echo` })]);
  });
});

describe("clients", () => {
  it("spread calls over all servers of their target", async () => {
    await using first = await startEcho({ name: "first" });
    await using second = await startEcho({ name: "second" });
    using client = clientOf(`ipv4:127.0.0.1:${first.port},127.0.0.1:${second.port}`);
    const names = new Set<string>();
    for (let calls = 0; calls < 100 && names.size < 2; calls += 1) names.add(await echo(client, "?"));
    expect([...names].sort()).toEqual(["first ?", "second ?"]);
  });

  it("come back soon after a server that was away", async () => {
    const gone = await startEcho();
    const { port } = gone;
    using client = clientOf(gone);
    expect(await echo(client, "hello")).toBe("echo hello");
    await gone[Symbol.asyncDispose]();
    // Long enough for an unbounded backoff to have grown to several seconds.
    for (let tries = 0; tries < 50; tries += 1) {
      await expect(echo(client, "anyone?")).rejects.toMatchObject({ code: status.UNAVAILABLE });
      await sleep(100);
    }
    await using _back = await startEcho({ port });
    const backAtMs = performance.now();
    while ((await echo(client, "again").catch(() => "away")) === "away") await sleep(50);
    expect(performance.now() - backAtMs).toBeLessThan(2_000);
  });
});

describe("grpc.health.v1", () => {
  type HealthClient = Client & { check: UnaryMethod<{ service: string }, { status: string }> };
  const HealthClient = makeGenericClientConstructor(
    healthDefinition,
    "Health",
  ) as unknown as GrpcClientConstructor<HealthClient>;

  it("follows the health of the process, for the server and each of its services", async () => {
    const health = createHealth();
    const nats = health.dependency("nats");
    await using server = await startEcho({ health });
    const client = createGrpcClient(HealthClient, `127.0.0.1:${server.port}`);
    using _closing = { [Symbol.dispose]: () => client.close() };
    const statusOf = async (service: string) =>
      (await callUnary(client.check.bind(client), { service }, { deadlineMs: DEADLINE_MS })).status;

    expect(await statusOf("")).toBe("NOT_SERVING");
    nats.up();
    health.started();
    expect(await Promise.all([statusOf(""), statusOf(ECHO_SERVICE)])).toEqual(["SERVING", "SERVING"]);
    nats.down("gone");
    expect(await Promise.all([statusOf(""), statusOf(ECHO_SERVICE)])).toEqual(["NOT_SERVING", "NOT_SERVING"]);
    await expect(statusOf("test.v1.Unknown")).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

describe("stopping a server", () => {
  it("lets calls in flight finish", async () => {
    const arrived = Promise.withResolvers<void>();
    const server = await startEcho({ onSlowCall: arrived.resolve });
    using client = clientOf(server);
    const slow = echo(client, "slow");
    await arrived.promise;
    await server[Symbol.asyncDispose]();
    expect(await slow).toBe("echo slow");
  });

  it("cuts off a stream that does not end in time", async () => {
    const server = await startEcho();
    using client = clientOf(server);
    const stream = client.chat();
    const cutOff = once(stream, "error").then(
      () => "ended",
      (error: { code: status }) => error.code,
    );
    stream.on("error", () => {});
    stream.write("hello");
    expect(await once(stream, "data")).toEqual(["echo hello"]);
    const startedAtMs = performance.now();
    await server[Symbol.asyncDispose]();
    expect(performance.now() - startedAtMs).toBeGreaterThan(2_000);
    expect(performance.now() - startedAtMs).toBeLessThan(4_500);
    expect(await cutOff).toBe("ended");
  });

  it("fails to start on a port that is taken", async () => {
    await using server = await startEcho();
    await expect(startEcho({ port: server.port })).rejects.toThrow("EADDRINUSE");
  });
});
