/**
 * The load of a run: events of several organisations at an even pace, and probes of webhooks that come and go. What a
 * frozen engine makes late is made up for, as the publishers of an outage would.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../../tenant.ts";
import type { IngestClient, PublishCall } from "./ingest-client.ts";
import type { Publisher } from "./publisher.ts";

const TICK_MS = 10;
/** Publishes without an answer; beyond it the load waits. */
const UNDER_WAY_MAX = 600;
/** Enough for every random failure; the waits are short so that retries happen within the run. */
export const RETRY_SCHEDULE_S = [1, 1, 2, 2, 3, 3, 5, 5, 10, 10, 20, 20];
/** Longer than the receivers of a busy machine take. */
export const WEBHOOK_TIMEOUT_MS = 5_000;

/** An organisation of the run, with the webhooks that every event of its load matches. */
export type LoadedTenant = {
  readonly tenant: Tenant;
  readonly publish: PublishCall;
  readonly webhookIds: readonly string[];
};

export type LoadPlan = {
  readonly organisations: number;
  readonly fanOut: number;
  readonly receiverUrl: string;
  readonly client: IngestClient;
};

/** Before anything is done to the stack. @param pathOf filled with the path of each webhook. */
export async function openTenants(
  stack: TestStack,
  { organisations, fanOut, receiverUrl, client }: LoadPlan,
  pathOf: Map<string, string>,
): Promise<readonly LoadedTenant[]> {
  const tenants: LoadedTenant[] = [];
  for (let index = 0; index < organisations; index += 1) {
    const tenant = await createTenant(stack, `faults-${index}`);
    const webhookIds: string[] = [];
    for (let webhook = 0; webhook < fanOut; webhook += 1) {
      const path = `/load/${index}/${webhook}`;
      const { id } = await tenant.subscribe({
        url: `${receiverUrl}${path}`,
        events: ["load.*"],
        retry_schedule_s: RETRY_SCHEDULE_S,
        timeout_ms: WEBHOOK_TIMEOUT_MS,
      });
      pathOf.set(id, path);
      webhookIds.push(id);
    }
    tenants.push({ tenant, publish: client.as(tenant.key), webhookIds });
  }
  return tenants;
}

/**
 * Publishes until `stopping` is aborted; what is under way then goes on until it is accepted.
 * @param givingUp ends that, too.
 */
export async function publishLoad(
  tenants: readonly LoadedTenant[],
  publisher: Publisher,
  eventsPerSecond: number,
  stopping: AbortSignal,
  givingUp: AbortSignal,
): Promise<void> {
  const startedAtMs = performance.now();
  const pending = new Set<Promise<unknown>>();
  let sent = 0;
  while (!stopping.aborted) {
    const due = Math.floor(((performance.now() - startedAtMs) / 1_000) * eventsPerSecond);
    while (sent < due && pending.size < UNDER_WAY_MAX) {
      const loaded = tenants[sent % tenants.length];
      if (loaded === undefined) throw new Error("a load needs an organisation");
      sent += 1;
      const { tenant, publish, webhookIds } = loaded;
      const event = { number: publisher.takeNumber(), orgId: tenant.orgId, type: "load.event", webhookIds };
      const done = publisher.publish(publish, event, givingUp).finally(() => pending.delete(done));
      pending.add(done);
    }
    await sleep(TICK_MS, undefined, { signal: stopping }).catch(() => {});
  }
  await Promise.all(pending);
}
