/** Asks for one more attempt of deliveries that have failed for good. */

import { actorOf } from "../core/actor.ts";
import type { RetryDeliveries } from "../io/retry-deliveries.ts";
import { BULK_RETRY_MAX, retryDeliveriesRoute } from "../schemas/delivery.ts";
import { done, type Handler } from "./handler.ts";

export type RetryDeliveriesPorts = { readonly retryDeliveries: RetryDeliveries };

export function retryExhausted({ retryDeliveries }: RetryDeliveriesPorts): Handler<typeof retryDeliveriesRoute> {
  return async ({ caller, parameters, body, id: requestId }) => {
    const { org: orgId } = parameters;
    const { webhook_id: webhookId, since: sinceMs, until: untilMs } = body;
    // Many deliveries are one change, of the webhook if one is named, of the organisation if not.
    const subject =
      webhookId === undefined
        ? ({ subjectKind: "organisation", subjectId: orgId } as const)
        : ({ subjectKind: "webhook", subjectId: webhookId } as const);
    const change = { action: retryDeliveriesRoute.operation, actor: actorOf(caller), fields: Object.keys(body) };
    const audited = { orgId, ...subject, ...change, requestId };
    const count = await retryDeliveries(orgId, { webhookId, sinceMs, untilMs }, BULK_RETRY_MAX, audited);
    return done({ count });
  };
}
