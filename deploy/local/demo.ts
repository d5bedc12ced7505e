/** One delivery from end to end, to show that the stack works: subscribe, publish, receive, verify, unsubscribe. */

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReceivedDelivery } from "./demo-receiver.ts";
import type { RestAnswer, RestCall } from "./rest-client.ts";
import { isSignedBy } from "./standard-signature.ts";

export const DEMO_ORGANISATION = "demo";
const DEMO_EVENT_TYPE = "demo.started";
const ARRIVAL_TIMEOUT_MS = 30_000;
const ARRIVAL_POLL_MS = 10;
const PAGE_ITEMS = 500;
/** Stops a search that would go on for ever if a list never ended. */
const PAGES_MAX = 1_000;

export interface DemoOptions {
  readonly api: RestCall;
  readonly ingest: RestCall;
  /** The api again, for removing the webhook even when the demo is broken off. */
  readonly cleanUp: RestCall;
  /** Breaks the demo off. */
  readonly signal: AbortSignal;
  readonly orgId: string;
  readonly receiverUrl: string;
  /** What the receiver got so far, oldest first. */
  readonly received: readonly ReceivedDelivery[];
}

export type DemoResult =
  | { readonly kind: "verified"; readonly tookMs: number }
  | { readonly kind: "failed"; readonly message: string };

/** The id of the demo organisation, created at the first start. Throws with the answer when a request is refused. */
export async function openDemoOrganisation(api: RestCall): Promise<string> {
  let cursor = "";
  for (let page = 0; page < PAGES_MAX; page++) {
    const list = expectStatus(await api("GET", `/v1/orgs?limit=${PAGE_ITEMS}${cursor}`), 200, "listing organisations");
    const found = itemsOf(list).find((item) => fieldOf(item, "name") === DEMO_ORGANISATION);
    if (found !== undefined) return textOf(found, "id");
    const next = fieldOf(list, "next_cursor");
    if (typeof next !== "string") break;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
  const created = await api("POST", "/v1/orgs", { name: DEMO_ORGANISATION });
  return textOf(expectStatus(created, 201, "creating the demo organisation"), "id");
}

/** Leaves no webhook behind, whatever happens. Throws when a request is refused or `signal` aborts. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { api, ingest, orgId, received } = options;
  const path = `/demo/${randomBytes(8).toString("hex")}`;
  const created = await api("POST", `/v1/orgs/${orgId}/webhooks`, {
    url: `${options.receiverUrl}${path}`,
    events: [DEMO_EVENT_TYPE],
  });
  const webhook = expectStatus(created, 201, "creating the demo webhook");
  const secret = textOf(webhook, "secret");
  try {
    const startedAtMs = performance.now();
    const event = { type: DEMO_EVENT_TYPE, data: { greeting: "Hello from Posthorn" } };
    expectStatus(await ingest("POST", `/v1/orgs/${orgId}/events`, event), 202, "publishing the demo event");
    const delivery = await firstAt(path, received, options.signal);
    if (delivery === undefined) {
      return { kind: "failed", message: `the demo delivery did not arrive within ${ARRIVAL_TIMEOUT_MS / 1_000} s` };
    }
    if (!isSignedBy(secret, delivery, Date.now())) {
      return { kind: "failed", message: "the demo delivery arrived with a signature that does not fit its secret" };
    }
    return { kind: "verified", tookMs: Math.round(performance.now() - startedAtMs) };
  } finally {
    await options.cleanUp("DELETE", `/v1/orgs/${orgId}/webhooks/${textOf(webhook, "id")}`);
  }
}

async function firstAt(
  path: string,
  received: readonly ReceivedDelivery[],
  signal: AbortSignal,
): Promise<ReceivedDelivery | undefined> {
  const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const found = received.find((delivery) => delivery.path === path);
    if (found !== undefined) return found;
    await sleep(ARRIVAL_POLL_MS, undefined, { signal });
  }
  return undefined;
}

function expectStatus(answer: RestAnswer, status: number, act: string): unknown {
  if (answer.status === status) return answer.body;
  throw new Error(`${act} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
}

function itemsOf(list: unknown): readonly unknown[] {
  const items = fieldOf(list, "items");
  return Array.isArray(items) ? items : [];
}

function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  if (typeof field === "string") return field;
  throw new Error(`the answer has no text "${name}": ${JSON.stringify(value)}`);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
