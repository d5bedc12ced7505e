/** A whole stack for an end-to-end test: on free ports and in a folder of its own, with what it told while it ran. */

import { fileURLToPath } from "node:url";
import { backendFromEnvironment, createTestFolder, trackOpen, waitUntil } from "@posthorn/testkit";
import { awaitReady } from "./await-ready.ts";
import type { NatsLayout } from "./nats-layout.ts";
import type { PrepareDatabase } from "./prepare-database.ts";
import { type RestCall, restClient } from "./rest-client.ts";
import { type Stack, type StackOptions, startStack } from "./stack.ts";
import { describeStackEvent, type StackEvent } from "./stack-events.ts";
import { type InstanceCounts, ONE_OF_EACH } from "./start-arguments.ts";

/** A little more than the supervisor promises, for a machine that runs the tests too. */
const RESTART_TIMEOUT_MS = 10_000;

export interface TestStackOptions {
  readonly counts?: Partial<InstanceCounts>;
  /** A single NATS server without it. */
  readonly natsLayout?: NatsLayout;
  readonly serviceEnv?: NonNullable<StackOptions["serviceEnv"]>;
  /** Settings of the whole stack, over those of a developer's machine. */
  readonly env?: Readonly<Record<string, string>>;
  /** Holds the services to run; this checkout's without it. */
  readonly root?: string;
  readonly prepareDatabase?: PrepareDatabase;
  /** The folder of an earlier stack, to start again on its data; a new one without it. */
  readonly dataDir?: string;
}

export interface TestStack extends AsyncDisposable {
  readonly stack: Stack;
  /** Calls with the admin key. */
  readonly api: RestCall;
  readonly ingest: RestCall;
  /** Everything the stack told so far. */
  readonly events: readonly StackEvent[];
  /** Kills a process with SIGKILL and waits until another one runs in its place, whether it answers yet or not. */
  killAndAwaitRestart(name: string): Promise<void>;
  /** Returns when every instance says that it is ready; rejects with those that do not in time. */
  awaitReady(): Promise<void>;
}

/** Returns when everything is ready. Rejects with what the stack told when it could not start. */
export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const dataDir = options.dataDir ?? (await createTestFolder("stack"));
  const events: StackEvent[] = [];
  const started = await startStack({
    env: {
      PATH: process.env.PATH,
      NATS_SERVER_BIN: process.env.NATS_SERVER_BIN,
      POSTHORN_DATA_DIR: dataDir,
      POSTHORN_API_PORT: "0",
      POSTHORN_INGEST_PORT: "0",
      POSTHORN_INGEST_GRPC_PORT: "0",
      ...options.env,
    },
    backend: backendFromEnvironment(process.env),
    counts: { ...ONE_OF_EACH, ...options.counts },
    natsLayout: options.natsLayout ?? "single",
    root: options.root ?? fileURLToPath(new URL("../..", import.meta.url)),
    ...(options.prepareDatabase === undefined ? {} : { prepareDatabase: options.prepareDatabase }),
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    serviceEnv: options.serviceEnv ?? {},
  });
  if (started.kind === "refused") throw new Error([started.message, ...events.map(describeStackEvent)].join("\n"));
  const { stack } = started;
  const close = trackOpen(`stack on ${dataDir}`);
  return {
    stack,
    api: restClient(stack.apiUrl, stack.adminKey),
    ingest: restClient(stack.ingestUrl, stack.adminKey),
    events,
    killAndAwaitRestart: async (name) => {
      const before = stack.pids()[name];
      stack.kill(name, "SIGKILL");
      await waitUntil(() => ![undefined, before].includes(stack.pids()[name]), {
        describe: `a new ${name}`,
        timeoutMs: RESTART_TIMEOUT_MS,
      });
    },
    awaitReady: async () => {
      const ready = await awaitReady(stack.instances, new AbortController().signal, () => {});
      if (ready.kind === "not-ready") throw new Error(`not ready in time: ${ready.missing.join(", ")}`);
    },
    [Symbol.asyncDispose]: async () => {
      await stack.stop();
      close();
    },
  };
}
