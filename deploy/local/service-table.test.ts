import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { serviceEnvironment } from "./service-environment.ts";
import { SERVICE_NAMES, SERVICES, type ServiceName } from "./service-table.ts";

/** The variables that a service reads, as its own settings name them. */
function variablesOf(service: ServiceName): readonly string[] {
  const file = new URL(`../../services/${service}/src/config.ts`, import.meta.url);
  if (!existsSync(file)) return [];
  return [...new Set(readFileSync(file, "utf8").match(/\b(POSTHORN_[A-Z0-9_]+|NATS_URL|DATABASE_URL)\b/g))];
}

test.for(SERVICE_NAMES)("every setting that %s reads is handed on to it", (service) => {
  const variables = variablesOf(service);
  const plan = { name: service, service, httpPort: 1, grpcPort: SERVICES[service].servesGrpc ? 2 : undefined };
  const env = serviceEnvironment(plan, {
    env: Object.fromEntries(variables.map((name) => [name, "given"])),
    plans: [plan],
    natsUrl: "nats://127.0.0.1:1",
    databaseUrls: { api: "postgres://api", projector: "postgres://projector", scheduler: "postgres://scheduler" },
    adminKey: "admin",
    masterKey: "master",
    serviceEnv: {},
  });
  expect(variables.filter((name) => env[name] === undefined)).toEqual([]);
});
