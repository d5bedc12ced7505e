/**
 * The same two servers in containers, for tests that ask for `POSTHORN_TEST_BACKEND=containers`. Their data live as
 * long as the container: they survive a restart, not `stop`.
 */

import type { StartedTestContainer } from "testcontainers";
import { findFreePort, LOOPBACK } from "./free-port.ts";
import type { ChildExit } from "./owned-child.ts";
import { pingPostgres } from "./postgres-admin.ts";
import { type LocalServer, pollUntilAnswers } from "./server-process.ts";
import { greetsWithJetStream } from "./start-nats.ts";

const NATS_IMAGE = "nats:2.12-alpine";
const NATS_PORT = 4222;
const POSTGRES_IMAGE = "postgres:18-alpine";
const POSTGRES_PORT = 5432;
const POSTGRES_PASSWORD = "posthorn";
const START_TIMEOUT_MS = 180_000;
const RESTART_TIMEOUT_MS = 30_000;

export function startNatsContainer(): Promise<LocalServer> {
  return startContainer({
    image: NATS_IMAGE,
    containerPort: NATS_PORT,
    command: ["--jetstream", "--store_dir", "/data"],
    environment: {},
    urlOf: (port) => `nats://${LOOPBACK}:${port}`,
    answers: (_url, port) => greetsWithJetStream(port),
  });
}

export function startPostgresContainer(): Promise<LocalServer> {
  return startContainer({
    image: POSTGRES_IMAGE,
    containerPort: POSTGRES_PORT,
    command: ["postgres", "-c", "max_connections=200"],
    environment: { POSTGRES_PASSWORD },
    urlOf: (port) => `postgres://postgres:${POSTGRES_PASSWORD}@${LOOPBACK}:${port}/postgres`,
    answers: (url) => pingPostgres(url),
  });
}

interface ContainerRecipe {
  readonly image: string;
  readonly containerPort: number;
  readonly command: string[];
  readonly environment: Record<string, string>;
  urlOf(port: number): string;
  answers(url: string, port: number): Promise<boolean>;
}

async function startContainer(recipe: ContainerRecipe): Promise<LocalServer> {
  const { GenericContainer, getContainerRuntimeClient } = await import("testcontainers");
  const port = await findFreePort();
  const url = recipe.urlOf(port);
  const answers = (): Promise<boolean> => recipe.answers(url, port);
  const started: StartedTestContainer = await new GenericContainer(recipe.image)
    .withCommand(recipe.command)
    .withEnvironment(recipe.environment)
    // A port that Docker picks would be another one after a restart.
    .withExposedPorts({ container: recipe.containerPort, host: port })
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  const container = (await getContainerRuntimeClient()).container.getById(started.getId());
  await pollUntilAnswers(recipe.image, answers, START_TIMEOUT_MS);

  const stop = async (): Promise<void> => {
    await started.stop();
  };
  return {
    url,
    port,
    pid: undefined,
    exited: async (): Promise<ChildExit> => {
      const { StatusCode } = (await container.wait()) as { readonly StatusCode: number };
      return { kind: "code", code: StatusCode };
    },
    kill: async (signal) => {
      await container.kill({ signal });
    },
    restart: async () => {
      await started.restart();
      await pollUntilAnswers(recipe.image, answers, RESTART_TIMEOUT_MS);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
