/** Lists deliveries: those of an organisation, or of one of its webhooks, which may be deleted by now. */

import { presentDelivery } from "../core/present-delivery.ts";
import { notFound } from "../core/problems.ts";
import type { Deliveries, DeliveryFilter } from "../io/deliveries.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { listDeliveriesRoute, listWebhookDeliveriesRoute } from "../schemas/delivery.ts";
import { done, type Handler, type Request, refused } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export type ListDeliveriesPorts = {
  readonly deliveries: Pick<Deliveries, "list">;
  readonly webhooks: Pick<Webhooks, "hasExisted">;
};

export function listDeliveries({
  deliveries,
}: Pick<ListDeliveriesPorts, "deliveries">): Handler<typeof listDeliveriesRoute> {
  return async ({ parameters, query }) => {
    const page = await deliveries.list(parameters.org, filterOf(query), query);
    return done(presentPage(page, presentDelivery));
  };
}

export function listWebhookDeliveries({
  deliveries,
  webhooks,
}: ListDeliveriesPorts): Handler<typeof listWebhookDeliveriesRoute> {
  return async ({ parameters, query }) => {
    const { org, webhook } = parameters;
    if (!(await webhooks.hasExisted(org, webhook))) return refused(notFound("webhook"));
    const page = await deliveries.list(org, { ...filterOf(query), webhookId: webhook }, query);
    return done(presentPage(page, presentDelivery));
  };
}

function filterOf(query: Request<typeof listDeliveriesRoute>["query"]): DeliveryFilter {
  const { status, event, success, since, until } = query;
  return { status, event, success, sinceMs: since, untilMs: until };
}
