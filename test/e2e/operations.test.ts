import { afterAll, beforeAll, expect, it } from "vitest";
import { SERVICE_NAMES, type ServiceName } from "../../deploy/local/service-table.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";

/** What each process depends on, as an operator is told. */
const DEPENDENCIES: Readonly<Record<ServiceName, readonly string[]>> = {
  ingest: ["configuration", "nats"],
  matcher: ["configuration", "nats"],
  signer: [],
  dispatcher: ["configuration", "nats", "projector", "signer"],
  projector: ["nats", "postgres"],
  scheduler: ["nats", "postgres"],
  api: ["dispatcher", "nats", "postgres", "signer"],
};

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const urlOf = (service: ServiceName) => {
  const instance = stack.stack.instances.find((one) => one.service === service);
  return `http://127.0.0.1:${instance?.httpPort}`;
};

async function readinessOf(service: ServiceName) {
  const response = await fetch(`${urlOf(service)}/readyz`);
  const { dependencies } = (await response.json()) as { dependencies: Record<string, { status: string }> };
  return { status: response.status, dependencies };
}

it.each(SERVICE_NAMES)("tells whether %s lives, on what it depends and what it has done", async (service) => {
  expect((await fetch(`${urlOf(service)}/livez`)).status).toBe(200);
  const { status, dependencies } = await readinessOf(service);
  expect(status).toBe(200);
  expect(Object.keys(dependencies).sort()).toEqual(DEPENDENCIES[service]);
  const figures = await (await fetch(`${urlOf(service)}/metrics`)).text();
  expect(new Set(figures.match(/^posthorn_[a-z_]+/gm)).size).toBeGreaterThanOrEqual(3);
});
