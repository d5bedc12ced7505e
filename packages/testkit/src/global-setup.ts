/** Vitest global set-up: one Postgres and one NATS server per run, and the database that test files copy. */

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createDatabase,
  dropDatabase,
  type OpenedServer,
  type OpenOptions,
  openNats,
  openPostgres,
  startLeash,
  urlOf,
} from "@posthorn/local-servers";
import type { TestProject } from "vitest/node";
import { prepareTemplate } from "./prepare-template.ts";
import { backendFromEnvironment } from "./test-backend.ts";
import "./provided-context.ts";

/** Returns what ends the servers and removes their data. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "posthorn-test-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const leash = stack.use(startLeash());
  const optionsFor = (name: string): OpenOptions => ({
    env: process.env,
    backend: backendFromEnvironment(process.env),
    dir: join(dir, name),
    logFile: join(dir, `${name}.log`),
    leash,
  });
  const [nats, postgres] = await Promise.all([openNats(optionsFor("nats")), openPostgres(optionsFor("postgres"))]);
  const natsUrl = adopt(stack, nats);
  const postgresUrl = adopt(stack, postgres);

  // A name of its own, since a Postgres given by DATABASE_URL outlives this run and may be shared with another.
  const templateDatabase = `posthorn_template_${randomUUID()}`;
  stack.defer(() => dropDatabase(postgresUrl, templateDatabase));
  await prepareTemplate(await createDatabase(postgresUrl, templateDatabase));

  project.provide("sharedServers", { natsUrl, postgresUrl, templateDatabase });
  const servers = stack.move();
  return () => servers.disposeAsync();
}

function adopt(stack: AsyncDisposableStack, opened: OpenedServer): string {
  if (opened.kind === "unavailable") throw new Error(opened.message);
  if (opened.kind === "own") stack.use(opened.server);
  return urlOf(opened);
}
