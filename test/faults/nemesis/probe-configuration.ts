/**
 * Reads its own writes while the engine is attacked: what is published after a webhook was created is delivered to it,
 * what is published after it was deleted is not. Events of both kinds enter the record like those of the load.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { deliveryIdOf, parseEventId, parseWebhookId } from "@posthorn/domain";
import { type LoadedTenant, RETRY_SCHEDULE_S, WEBHOOK_TIMEOUT_MS } from "./load.ts";
import type { Publisher } from "./publisher.ts";
import type { Receivers } from "./receivers.ts";

export type ProbeCounts = { readonly created: number; readonly deleted: number; readonly undecided: number };

export type ProbePorts = {
  readonly tenants: readonly LoadedTenant[];
  readonly publisher: Publisher;
  readonly receivers: Receivers;
  /** Filled with the path of each webhook. */
  readonly pathOf: Map<string, string>;
  /** Ends publishes that are not accepted. */
  readonly givingUp: AbortSignal;
};

const PAUSE_MS = 3_000;
const RETRY_MS = 300;
/** After it the webhook stays: an event that is matched after the deletion is rightly matched without it. */
const DELIVERED_MS_MAX = 120_000;

/** Returns when `stopping` is aborted and the probe that was under way has ended. */
export async function probeConfiguration(ports: ProbePorts, stopping: AbortSignal): Promise<ProbeCounts> {
  const counts = { created: 0, deleted: 0, undecided: 0 };
  for (let probe = 1; !stopping.aborted; probe += 1) {
    const loaded = ports.tenants[probe % ports.tenants.length];
    if (loaded === undefined) break;
    const webhookId = await createWebhook(ports, loaded, probe);
    if (webhookId === undefined) counts.undecided += 1;
    else {
      counts.created += 1;
      if (await isDelivered(ports, loaded, `probe.${probe}.created`, webhookId)) {
        await deleteWebhook(loaded, webhookId, ports.givingUp);
        await publish(ports, loaded, `probe.${probe}.deleted`, []);
        counts.deleted += 1;
      }
    }
    await sleep(PAUSE_MS, undefined, { signal: stopping }).catch(() => {});
  }
  return counts;
}

/** Undefined when nobody said that it was created: then it may exist or not. */
async function createWebhook(
  { receivers, pathOf }: ProbePorts,
  { tenant }: LoadedTenant,
  probe: number,
): Promise<string | undefined> {
  const path = `/probe/${probe}`;
  const webhook = {
    url: `${receivers.url}${path}`,
    events: [`probe.${probe}.*`],
    retry_schedule_s: RETRY_SCHEDULE_S,
    timeout_ms: WEBHOOK_TIMEOUT_MS,
  };
  const answer = await tenant.api("POST", `/v1/orgs/${tenant.orgId}/webhooks`, webhook).catch(() => undefined);
  if (answer?.status !== 201) return undefined;
  const { id } = answer.body as { id: string }; // the contract of 201
  pathOf.set(id, path);
  return id;
}

/** Again and again until it is: the second 204 is a 404. */
async function deleteWebhook({ tenant }: LoadedTenant, webhookId: string, givingUp: AbortSignal): Promise<void> {
  const path = `/v1/orgs/${tenant.orgId}/webhooks/${webhookId}`;
  while (!givingUp.aborted) {
    const answer = await tenant.api("DELETE", path).catch(() => undefined);
    if (answer?.status === 204 || answer?.status === 404) return;
    await sleep(RETRY_MS);
  }
}

/** Publishes, and waits for it a bounded time. */
async function isDelivered(ports: ProbePorts, loaded: LoadedTenant, type: string, webhookId: string): Promise<boolean> {
  const accepted = await publish(ports, loaded, type, [webhookId]);
  const [event, webhook] = [parseEventId(accepted?.eventId ?? ""), parseWebhookId(webhookId)];
  if (event === undefined || webhook === undefined) return false;
  const deliveryId = deliveryIdOf(event, webhook);
  const deadlineMs = Date.now() + DELIVERED_MS_MAX;
  while (Date.now() < deadlineMs && !ports.givingUp.aborted) {
    if (ports.receivers.received.get(deliveryId)?.hits.some(({ answer }) => answer === 200)) return true;
    await sleep(RETRY_MS);
  }
  return false;
}

function publish(
  { publisher, givingUp }: ProbePorts,
  { tenant, publish: call }: LoadedTenant,
  type: string,
  webhookIds: readonly string[],
) {
  const event = { number: publisher.takeNumber(), orgId: tenant.orgId, type, webhookIds };
  return publisher.publish(call, event, givingUp);
}
