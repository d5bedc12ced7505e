/** What `npm start` prints when everything runs: where it is, what it allows, and three commands to paste. */

import { limits } from "@posthorn/domain";
import type { Environment } from "@posthorn/local-servers";
import type { Stack } from "./stack.ts";
import { LOCAL_DEFAULTS } from "./stack-settings.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const DAY_MS = 86_400_000;

export interface AnnouncementFacts {
  readonly stack: Pick<
    Stack,
    "apiUrl" | "ingestUrl" | "ingestGrpcAddress" | "natsUrl" | "natsLayout" | "adminKey" | "dataDir"
  >;
  readonly env: Environment;
  readonly orgId: string;
  readonly receiverUrl: string;
}

export function announcement(facts: AnnouncementFacts): string {
  const { stack, env, orgId, receiverUrl } = facts;
  const allowedTargets = env.POSTHORN_ALLOWED_TARGETS ?? LOCAL_DEFAULTS.POSTHORN_ALLOWED_TARGETS;
  const allowHttp = env.POSTHORN_ALLOW_HTTP ?? LOCAL_DEFAULTS.POSTHORN_ALLOW_HTTP;
  const api = curl(stack.adminKey, `${stack.apiUrl}/v1/orgs/${orgId}`);
  const ingest = curl(stack.adminKey, `${stack.ingestUrl}/v1/orgs/${orgId}`);
  return [
    "",
    "Posthorn runs.",
    `  api            ${stack.apiUrl}`,
    `  ingest         ${stack.ingestUrl} (gRPC ${stack.ingestGrpcAddress})`,
    `  NATS           ${withoutPasswords(stack.natsUrl)}${stack.natsLayout === "cluster" ? " (a cluster of three)" : ""}`,
    `  data and logs  ${stack.dataDir}`,
    `  admin key      ${stack.adminKey}`,
    `  event          at most ${limits.EVENT_DATA_BYTES_MAX / KIB} KiB of data`,
    `  batch          at most ${limits.BATCH_EVENTS_MAX} events and ${limits.BATCH_BYTES_MAX / MIB} MiB`,
    `  retries        at most ${limits.RETRIES_MAX} per delivery, within ${limits.DELIVERY_HORIZON_MS / DAY_MS} days`,
    `  history        kept for ${env.POSTHORN_RETENTION_DAYS ?? limits.RETENTION_DAYS_DEFAULT} days (POSTHORN_RETENTION_DAYS), events' data for 7`,
    `  targets        POSTHORN_ALLOWED_TARGETS=${allowedTargets} POSTHORN_ALLOW_HTTP=${allowHttp}`,
    "",
    "Subscribe a receiver (this one is built in and prints what it gets here):",
    `  ${api("POST", "/webhooks", { url: `${receiverUrl}/hello`, events: ["agent.*"] })}`,
    "Publish an event:",
    `  ${ingest("POST", "/events", { type: "agent.started", data: { hello: "world" } })}`,
    "Watch the deliveries:",
    `  ${api("GET", "/deliveries?limit=5")}`,
    "",
  ].join("\n");
}

function curl(key: string, base: string): (method: "GET" | "POST", path: string, body?: unknown) => string {
  return (method, path, body) => {
    const auth = `-H 'Authorization: Bearer ${key}'`;
    if (body === undefined) return `curl -sS ${auth} '${base}${path}'`;
    const json = `-H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
    return `curl -sS -X ${method} ${auth} ${json} '${base}${path}'`;
  };
}

/** @param urls one, or several separated by commas. */
function withoutPasswords(urls: string): string {
  return urls.replaceAll(/\/\/[^/@]*@/g, "//***@");
}
