import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findFreePort, identifyProcess, LOOPBACK } from "@posthorn/local-servers";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createFakeRoot } from "./fixtures/fake-root.ts";
import { type Stack, type StackOptions, type StackStart, startStack } from "./stack.ts";
import { ONE_OF_EACH } from "./start-arguments.ts";

const RESTARTED_WITHIN_MS = 2_000;
const STOPPED_WITHIN_MS = 10_000;
const superviseScript = fileURLToPath(new URL("./fixtures/supervise.ts", import.meta.url));

const anyPorts = { POSTHORN_API_PORT: "0", POSTHORN_INGEST_PORT: "0", POSTHORN_INGEST_GRPC_PORT: "0" };

function start(root: string, options: Partial<StackOptions> = {}): Promise<StackStart> {
  return startStack({
    env: { PATH: process.env.PATH, UNRELATED_SECRET: "hidden", ...anyPorts },
    counts: ONE_OF_EACH,
    root,
    report: () => {},
    signal: new AbortController().signal,
    ...options,
  });
}

async function startOrThrow(root: string, options: Partial<StackOptions> = {}): Promise<Stack> {
  const started = await start(root, options);
  if (started.kind === "refused") throw new Error(started.message);
  return started.stack;
}

function isRunning(pid: number): boolean {
  return identifyProcess(pid) !== undefined;
}

async function environmentOf(stack: Stack, name: string): Promise<Record<string, string>> {
  const port = stack.instances.find((instance) => instance.name === name)?.httpPort;
  const response = await fetch(`http://${LOOPBACK}:${port}/env`);
  return (await response.json()) as Record<string, string>;
}

describe("a running stack", () => {
  const root = createFakeRoot();
  let stack: Stack;

  beforeAll(async () => {
    stack = await startOrThrow(root, { counts: { ...ONE_OF_EACH, dispatcher: 2, projector: 2 } });
  });

  afterAll(async () => {
    await stack.stop();
    rmSync(root, { recursive: true, force: true });
  });

  test("runs NATS, Postgres and every instance as a process that its command line names", () => {
    const pids = stack.pids();
    expect(Object.keys(pids).sort()).toEqual(
      ["nats", "postgres", "signer", "projector", "projector-2", "dispatcher", "dispatcher-2", "matcher", "scheduler"]
        .concat("api", "ingest")
        .sort(),
    );
    const commandLine = readFileSync(`/proc/${pids["dispatcher-2"]}/cmdline`, "utf8").split("\0");
    expect(commandLine).toContain("services/dispatcher/src/main.ts");
  });

  test("hands each service what it needs and nothing else", async () => {
    const signer = await environmentOf(stack, "signer");
    expect(Buffer.from(signer.POSTHORN_MASTER_KEY ?? "", "base64")).toHaveLength(32);
    expect(Object.keys(signer).sort()).toEqual(
      ["NODE_COMPILE_CACHE", "PATH", "POSTHORN_LEASH", "POSTHORN_MASTER_KEY"]
        .concat("POSTHORN_SIGNER_GRPC_PORT", "POSTHORN_SIGNER_PORT")
        .sort(),
    );
    for (const name of ["api", "ingest", "dispatcher", "projector", "scheduler", "matcher"]) {
      const env = await environmentOf(stack, name);
      expect(env).not.toHaveProperty("POSTHORN_MASTER_KEY");
      expect(env).not.toHaveProperty("UNRELATED_SECRET");
      expect(env.NATS_URL).toBe(stack.natsUrl);
      expect("DATABASE_URL" in env).toBe(["api", "projector", "scheduler"].includes(name));
      expect("POSTHORN_ADMIN_KEY" in env).toBe(["api", "ingest"].includes(name));
    }
  });

  test("tells callers the addresses of all instances they call", async () => {
    const dispatcher = await environmentOf(stack, "dispatcher-2");
    expect(dispatcher.POSTHORN_PROJECTOR_TARGET).toMatch(/^ipv4:127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/);
    expect(dispatcher.POSTHORN_SIGNER_TARGET).toMatch(/^ipv4:127\.0\.0\.1:\d+$/);
    expect(dispatcher.POSTHORN_ALLOWED_TARGETS).toBe("127.0.0.0/8,::1/128");
    expect(dispatcher.POSTHORN_ALLOW_HTTP).toBe("true");
    const api = await environmentOf(stack, "api");
    expect(api.POSTHORN_DISPATCHER_TARGET).toMatch(/^ipv4:127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/);
  });

  test.for(["nats", "postgres", "api", "dispatcher-2"])("starts %s again within 2 s after SIGKILL", async (name) => {
    const before = stack.pids()[name];
    stack.kill(name, "SIGKILL");
    await waitUntil(() => stack.pids()[name] !== before && stack.pids()[name] !== undefined, {
      describe: `a new ${name}`,
      timeoutMs: RESTARTED_WITHIN_MS,
    });
  });

  test("starts a service again on the same port, every time", async () => {
    for (let round = 0; round < 3; round++) {
      const before = stack.pids().matcher;
      stack.kill("matcher", "SIGKILL");
      await waitUntil(async () => stack.pids().matcher !== before && (await environmentOf(stack, "matcher")), {
        describe: "an answer of the new matcher at the old port",
        timeoutMs: RESTARTED_WITHIN_MS,
      });
    }
  });

  test("refuses a second stack on the same data folder in one sentence", async () => {
    expect(await start(root)).toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/already runs on .*; /),
    });
    expect(isRunning(stack.pids().nats ?? 0)).toBe(true);
  });

  test("runs beside another stack with other ports and another data folder", async () => {
    const otherRoot = createFakeRoot();
    const other = await startOrThrow(otherRoot);
    expect(other.apiUrl).not.toBe(stack.apiUrl);
    expect(other.adminKey).not.toBe(stack.adminKey);
    await other.stop();
    rmSync(otherRoot, { recursive: true, force: true });
    expect((await fetch(`${stack.apiUrl}/readyz`)).status).toBe(200);
  });
});

describe("a stack on a NATS cluster", () => {
  const root = createFakeRoot();

  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test("runs three servers, starts again what dies, tells the services, and keeps to its layout", async () => {
    const stack = await startOrThrow(root, { natsLayout: "cluster" });
    const pids = stack.pids();
    expect(Object.keys(pids).filter((name) => name.startsWith("nats"))).toEqual(["nats-1", "nats-2", "nats-3"]);
    const matcher = await environmentOf(stack, "matcher");
    expect(matcher.NATS_URL).toBe(stack.natsUrl);
    expect(stack.natsUrl.split(",")).toHaveLength(3);
    expect(matcher.POSTHORN_NATS_REPLICAS).toBe("3");
    stack.kill("nats-2", "SIGKILL");
    await waitUntil(() => ![undefined, pids["nats-2"]].includes(stack.pids()["nats-2"]), {
      describe: "a new nats-2",
      timeoutMs: RESTARTED_WITHIN_MS,
    });
    const stopping = performance.now();
    await stack.stop();
    expect(performance.now() - stopping).toBeLessThan(STOPPED_WITHIN_MS);

    expect(await start(root)).toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/holds the streams of a NATS cluster: start it with --nats-cluster, or/),
    });
    const again = await startOrThrow(root, { natsLayout: "cluster" });
    expect(Object.keys(again.pids())).toHaveLength(Object.keys(pids).length);
    await again.stop();
  });
});

describe("starting and stopping", () => {
  let root: string;

  beforeEach(() => {
    root = createFakeRoot();
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test("a stop ends every process within 10 s, even one that ignores it", async () => {
    const stack = await startOrThrow(root, { serviceEnv: { matcher: { FAKE_STUBBORN: "1" } } });
    const pids = Object.values(stack.pids());
    expect(pids).toHaveLength(9);
    const startedAtMs = performance.now();
    await stack.stop();
    expect(performance.now() - startedAtMs).toBeLessThan(STOPPED_WITHIN_MS);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test("a second start has the same keys, readable by their owner only", async () => {
    const first = await startOrThrow(root);
    await first.stop();
    const second = await startOrThrow(root);
    await second.stop();
    expect(second.adminKey).toMatch(/^ph_sk_[0-9a-f]{64}$/);
    expect(second.adminKey).toBe(first.adminKey);
    for (const file of ["admin-key", "master-key"]) {
      expect(statSync(join(root, ".posthorn", file)).mode & 0o777).toBe(0o600);
    }
  });

  test("a pinned port that is taken is refused in one sentence that names its setting", async () => {
    const port = await findFreePort();
    const squatter = createServer().listen(port, LOOPBACK);
    await once(squatter, "listening");
    const started = await start(root, {
      env: { PATH: process.env.PATH, ...anyPorts, POSTHORN_API_PORT: String(port) },
    });
    expect(started).toEqual({
      kind: "refused",
      message: `Port ${port} is in use by another program; set POSTHORN_API_PORT to a free one.`,
    });
    squatter.close();
  });

  test("a start that is given up leaves nothing behind", async () => {
    const abort = new AbortController();
    const reports: string[] = [];
    const starting = start(root, {
      signal: abort.signal,
      report: (event) => {
        if (event.kind !== "progress") return;
        reports.push(event.text);
        if (event.text.startsWith("started")) abort.abort(new Error("given up"));
      },
    });
    await expect(starting).rejects.toThrow("given up");
    expect(reports).toContain("started 7 processes");
    // The folder is free again, so nothing of the first start holds it.
    await (await startOrThrow(root)).stop();
  });

  test("when the supervisor is killed its children end, and the next start takes the folder over", async () => {
    const supervisor = spawn(process.execPath, [superviseScript, root], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface(supervisor.stdout), "line")) as [string];
    const pids = Object.values(JSON.parse(line) as Record<string, number>);
    expect(pids.filter(isRunning)).toHaveLength(9);

    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
    const next = await startOrThrow(root);
    expect(pids.filter(isRunning)).toEqual([]);
    await next.stop();
  });
});
