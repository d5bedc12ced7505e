/** An organisation of a running stack, with the few calls that a test of the whole makes in its name. */

import { waitUntil } from "@posthorn/testkit";
import type { RestAnswer, RestCall } from "../deploy/local/rest-client.ts";
import { restClient } from "../deploy/local/rest-client.ts";
import type { TestStack } from "../deploy/local/test-stack.ts";

/** What the tests read of a webhook. */
export type Webhook = { readonly id: string; readonly secret: string };

export type Attempt = {
  readonly number: number;
  readonly outcome: string;
  readonly status_code: number | null;
  readonly error_class: string | null;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | null;
  };
  readonly response: { readonly status: number; readonly body: string } | null;
};

export type Delivery = {
  readonly id: string;
  readonly event_id: string;
  readonly webhook_id: string;
  readonly event_type: string;
  readonly status: string;
  readonly reason: string | null;
  readonly success: boolean | null;
  readonly attempt_count: number;
  readonly attempts: readonly Attempt[];
};

export type Tenant = {
  readonly orgId: string;
  readonly key: string;
  /** Publish and everything else, with the organisation's own admin key. */
  readonly api: RestCall;
  readonly ingest: RestCall;
  subscribe(webhook: Readonly<Record<string, unknown>>): Promise<Webhook>;
  /** `event` as JSON text, or an object. @returns the event's id. */
  publish(event: string | Readonly<Record<string, unknown>>): Promise<string>;
  deliveriesOf(webhookId: string): Promise<readonly Delivery[]>;
  /** With its attempts, as soon as its status is one of these. */
  settled(deliveryId: string, statuses: readonly string[], timeoutMs?: number): Promise<Delivery>;
};

const HISTORY_TIMEOUT_MS = 20_000;

export async function createTenant(stack: TestStack, name: string): Promise<Tenant> {
  const { id: orgId } = expectAnswer<{ id: string }>(await stack.api("POST", "/v1/orgs", { name }), 201);
  const root = `/v1/orgs/${orgId}`;
  const { key } = expectAnswer<{ key: string }>(
    await stack.api("POST", `${root}/api-keys`, { name: "test", scope: "admin" }),
    201,
  );
  const api = restClient(stack.stack.apiUrl, key);
  const ingest = restClient(stack.stack.ingestUrl, key);
  return {
    orgId,
    key,
    api,
    ingest,
    subscribe: async (webhook) => expectAnswer<Webhook>(await api("POST", `${root}/webhooks`, webhook), 201),
    publish: async (event) => expectAnswer<{ id: string }>(await ingest("POST", `${root}/events`, event), 202).id,
    deliveriesOf: async (webhookId) => {
      const answer = await api("GET", `${root}/webhooks/${webhookId}/deliveries?limit=500`);
      return expectAnswer<{ items: Delivery[] }>(answer, 200).items;
    },
    settled: (deliveryId, statuses, timeoutMs = HISTORY_TIMEOUT_MS) =>
      waitUntil(
        async () => {
          const answer = await api("GET", `${root}/deliveries/${deliveryId}`);
          const delivery = expectAnswer<Delivery>(answer, 200);
          return statuses.includes(delivery.status) ? delivery : undefined;
        },
        { timeoutMs, describe: `delivery ${deliveryId} to be ${statuses.join(" or ")}` },
      ),
  };
}

/** The body of an answer with this status. Tests look at what they need of it, so its shape is taken on trust. */
export function expectAnswer<Body>(answer: RestAnswer, status: number): Body {
  if (answer.status !== status) {
    throw new Error(`expected ${status}, was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer.body as Body;
}
