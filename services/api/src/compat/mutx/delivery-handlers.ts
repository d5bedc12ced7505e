/** Deliveries of MUTX's webhooks: listed, and sent again while the caller waits. */

import { setTimeout as sleep } from "node:timers/promises";
import { unavailable } from "../../core/problems.ts";
import { done, type Handler, refused } from "../../handlers/handler.ts";
import type { Deliveries, DeliveryDossier } from "../../io/deliveries.ts";
import type { retryDeliveryRoute } from "../../schemas/delivery.ts";
import { NO_ORGANISATION, organisationOf } from "../mount.ts";
import type { MountedDeliveries } from "../mounted-deliveries.ts";
import type { MountedWebhooks } from "../mounted-webhooks.ts";
import { presentMutxDelivery } from "./present.ts";
import { DELIVERY_FAILED_WORDS, DELIVERY_NOT_FOUND, WEBHOOK_NOT_FOUND } from "./refusals.ts";
import type { mutxDeliveries, mutxRetry } from "./routes.ts";

export type ListMutxDeliveriesPorts = {
  readonly webhooks: MountedWebhooks;
  readonly mountedDeliveries: MountedDeliveries;
};

export function listMutxDeliveries(ports: ListMutxDeliveriesPorts): Handler<typeof mutxDeliveries> {
  return async ({ caller, parameters, query }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const { webhook: webhookId } = parameters;
    if ((await ports.webhooks.get(orgId, webhookId)) === undefined) return WEBHOOK_NOT_FOUND;
    const { skip, limit, event, success } = query;
    const listed = await ports.mountedDeliveries.list({ orgId, webhookId }, { event, success }, { skip, limit });
    if (listed.kind === "unavailable") return refused(unavailable("NATS"));
    const items = listed.stories.map(presentMutxDelivery);
    const { total } = listed;
    return done({
      webhook_id: webhookId,
      items,
      deliveries: items,
      total,
      skip,
      limit,
      has_more: skip + items.length < total,
      event: event ?? null,
      success: success ?? null,
    });
  };
}

export type RetryMutxDeliveryPorts = {
  readonly webhooks: MountedWebhooks;
  readonly deliveries: Pick<Deliveries, "get">;
  /** The native way to ask for one more attempt. */
  readonly retry: Handler<typeof retryDeliveryRoute>;
};

/** An attempt's longest time-out, and what it takes to be released and to become history. */
const OUTCOME_MS_MAX = 40_000;
const LOOK_EVERY_MS = 200;

export function retryMutxDelivery(ports: RetryMutxDeliveryPorts): Handler<typeof mutxRetry> {
  return async ({ caller, id, body }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const { delivery_id: deliveryId } = body;
    const before = await ports.deliveries.get(orgId, deliveryId);
    const webhook = before === undefined ? undefined : await ports.webhooks.get(orgId, before.delivery.webhookId);
    if (before === undefined || webhook === undefined) return DELIVERY_NOT_FOUND;
    const parameters = { org: orgId, delivery: deliveryId };
    const asked = await ports.retry({ caller, id, parameters, query: {}, body: undefined });
    if (asked.kind === "refused") return asked;
    const after = await outcomeOf(() => ports.deliveries.get(orgId, deliveryId), before);
    if (after?.delivery.status === "delivered") {
      const message = "Retry delivered successfully";
      return done({ status: "retry_delivered", message, original_delivery_id: deliveryId });
    }
    const reason = after?.delivery.errorMessage ?? "no outcome in time; the attempt is still to come";
    return refused({ status: 502, detail: `${DELIVERY_FAILED_WORDS.retry}: ${reason}` });
  };
}

/** Undefined: the attempt has not ended in time. */
async function outcomeOf(
  look: () => Promise<DeliveryDossier | undefined>,
  before: DeliveryDossier,
): Promise<DeliveryDossier | undefined> {
  const deadlineAtMs = performance.now() + OUTCOME_MS_MAX;
  while (performance.now() < deadlineAtMs) {
    await sleep(LOOK_EVERY_MS);
    const now = await look();
    if (now === undefined || now.delivery.attemptCount > before.delivery.attemptCount) return now;
  }
  return undefined;
}
