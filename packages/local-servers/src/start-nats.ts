/** Runs a NATS server with JetStream on this machine, its streams in files of a folder that outlives it. */

import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { NatsServerFound } from "./find-nats-server.ts";
import { LOOPBACK, startOnPort } from "./free-port.ts";
import type { Leash } from "./leash.ts";
import { type NatsClusterPlace, renderNatsConfig } from "./nats-config.ts";
import type { ChildCommand } from "./owned-child.ts";
import { runTool } from "./run-tool.ts";
import { type LocalServer, type ServerRecipe, startServer } from "./server-process.ts";

/** The server's own default; the largest message with its headers. */
export const NATS_MAX_PAYLOAD_BYTES = 1_048_576;

const READY_TIMEOUT_MS = 30_000;
/** Docker may have to fetch the image first. */
const READY_TIMEOUT_DOCKER_MS = 180_000;
const GREETING_TIMEOUT_MS = 1_000;
const GREETING_BYTES_MAX = 64 * 1024;
const DOCKER_KILL_TIMEOUT_MS = 10_000;

export interface NatsOptions {
  /** What `findNatsServer` found. */
  readonly program: Exclude<NatsServerFound, { kind: "missing" }>;
  /** Holds the configuration and, in `jetstream/`, the streams. Only one server may use it at a time. */
  readonly dir: string;
  readonly logFile: string;
  readonly leash: Leash;
  /** Any free one without it; the same one after every restart. */
  readonly port?: number;
  readonly maxPayloadBytes?: number;
  readonly monitoringPort?: number;
  /** Undefined for a server that runs alone. */
  readonly cluster?: NatsClusterPlace;
}

/** Returns when the server greets with JetStream enabled. Rejects with the end of its log otherwise. */
export function startNats(options: NatsOptions): Promise<LocalServer> {
  return startOnPort(options.port, (port) => startServer(recipeFor(options, port)));
}

function recipeFor(options: NatsOptions, port: number): ServerRecipe {
  const { program, dir } = options;
  const configFile = join(dir, "nats-server.conf");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const isContainer = program.kind === "docker";
  writeFileSync(
    configFile,
    renderNatsConfig({
      host: isContainer ? "0.0.0.0" : LOOPBACK,
      port,
      storeDir: dir,
      maxPayloadBytes: options.maxPayloadBytes ?? NATS_MAX_PAYLOAD_BYTES,
      monitoringPort: options.monitoringPort,
      cluster: options.cluster,
    }),
    { mode: 0o600 },
  );
  const containerName = `posthorn-nats-${port}`;
  return {
    name: options.cluster === undefined ? "NATS" : `NATS (${options.cluster.serverName})`,
    url: `nats://${LOOPBACK}:${port}`,
    port,
    command: isContainer
      ? dockerCommand(program.image, containerName, [port, options.monitoringPort], dir, configFile)
      : { command: program.path, args: ["-c", configFile], env: {} },
    child: { leash: options.leash, logFile: options.logFile, endSignal: "SIGTERM", stdin: "ignore" },
    readyTimeoutMs: isContainer ? READY_TIMEOUT_DOCKER_MS : READY_TIMEOUT_MS,
    answers: () => greetsWithJetStream(port),
    ...(isContainer ? { kill: (signal: NodeJS.Signals) => killContainer(containerName, signal) } : {}),
  };
}

function dockerCommand(
  image: string,
  name: string,
  ports: readonly (number | undefined)[],
  dir: string,
  configFile: string,
): ChildCommand {
  const published = ports.flatMap((port) => (port === undefined ? [] : ["-p", `${LOOPBACK}:${port}:${port}`]));
  const user = process.getuid === undefined ? [] : ["--user", `${process.getuid()}:${process.getgid?.() ?? 0}`];
  return {
    command: "docker",
    args: ["run", "--rm", "--name", name, ...published, ...user, "-v", `${dir}:${dir}`, image, "-c", configFile],
    env: dockerEnvironment(),
  };
}

/** The docker program finds its daemon and its settings through these. */
function dockerEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

async function killContainer(name: string, signal: NodeJS.Signals): Promise<void> {
  const result = await runTool("docker", ["kill", "--signal", signal, name], { timeoutMs: DOCKER_KILL_TIMEOUT_MS });
  if (result.kind === "failed") throw new Error(`the container ${name} could not be sent ${signal}: ${result.message}`);
}

/** NATS speaks first: one line "INFO {...}" that also says whether JetStream is on. */
export function greetsWithJetStream(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    let greeting = "";
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(GREETING_TIMEOUT_MS, () => finish(false));
    socket.once("error", () => finish(false));
    socket.once("close", () => resolve(false));
    socket.on("data", (chunk: Buffer) => {
      greeting += chunk.toString("latin1");
      if (greeting.includes("\n")) finish(/^INFO .*"jetstream":true/.test(greeting));
      else if (greeting.length > GREETING_BYTES_MAX) finish(false);
    });
  });
}
