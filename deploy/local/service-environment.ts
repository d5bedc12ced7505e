/** The environment of one service process: what it needs, and nothing that it does not. */

import { fileURLToPath } from "node:url";
import type { Environment } from "@posthorn/local-servers";
import { type InstancePlan, targetOf } from "./plan-instances.ts";
import type { DatabaseUrls } from "./prepare-database.ts";
import { SERVICES, type ServiceName, settingPrefix } from "./service-table.ts";
import { LOCAL_DEFAULTS } from "./stack-settings.ts";

/** Settings of every process: of the machine, of Node, of the log and of telemetry. */
const COMMON_SETTINGS = [
  "PATH",
  "HOME",
  "LANG",
  "TZ",
  "NODE_OPTIONS",
  "NODE_EXTRA_CA_CERTS",
  "POSTHORN_LOG_LEVEL",
  "POSTHORN_HOST",
];
const COMMON_PREFIX = "OTEL_";

/** Compiled code shared by all processes: it saves each some 30 MB and 100 ms at its start. */
const COMPILE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/posthorn/compiled", import.meta.url));

export interface SharedFacts {
  /** The environment of `npm start`. */
  readonly env: Environment;
  readonly plans: readonly InstancePlan[];
  readonly natsUrl: string;
  /** Each service's own role. */
  readonly databaseUrls: DatabaseUrls;
  readonly adminKey: string;
  readonly masterKey: string;
  /** More settings for the instances of a service, for tests. */
  readonly serviceEnv: Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>>;
}

export function serviceEnvironment(plan: InstancePlan, facts: SharedFacts): Record<string, string> {
  const traits = SERVICES[plan.service];
  const prefix = settingPrefix(plan.service);
  const result: Record<string, string> = {};

  const given = { ...LOCAL_DEFAULTS, ...facts.env };
  for (const [name, value] of Object.entries(given)) {
    const isWanted =
      COMMON_SETTINGS.includes(name) ||
      name.startsWith(COMMON_PREFIX) ||
      name.startsWith(prefix) ||
      traits.settings.includes(name);
    if (isWanted && value !== undefined) result[name] = value;
  }

  if (traits.usesNats) {
    result.NATS_URL = facts.natsUrl;
    if (facts.env.POSTHORN_NATS_REPLICAS !== undefined)
      result.POSTHORN_NATS_REPLICAS = facts.env.POSTHORN_NATS_REPLICAS;
  }
  if (traits.databaseRole !== undefined) result.DATABASE_URL = facts.databaseUrls[traits.databaseRole];
  for (const callee of traits.calls) result[`${settingPrefix(callee)}TARGET`] = targetOf(callee, facts.plans);
  if (traits.needsAdminKey) result.POSTHORN_ADMIN_KEY = facts.adminKey;
  if (traits.needsMasterKey) result.POSTHORN_MASTER_KEY = facts.masterKey;

  result[`${prefix}PORT`] = String(plan.httpPort);
  if (plan.grpcPort !== undefined) result[`${prefix}GRPC_PORT`] = String(plan.grpcPort);
  result.POSTHORN_LEASH = "stdin";
  result.NODE_COMPILE_CACHE = COMPILE_CACHE;
  return { ...result, ...facts.serviceEnv[plan.service] };
}
