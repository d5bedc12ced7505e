/** Every route with parameters and a body that it accepts. For tests that walk them all. */

import { createApiKeyRoute, listApiKeysRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";
import {
  getDeliveryLogRoute,
  getDeliveryRoute,
  listDeliveriesRoute,
  listWebhookDeliveriesRoute,
} from "./schemas/delivery.ts";
import { getEventRoute } from "./schemas/event.ts";
import { createOrganisationRoute, listOrganisationsRoute } from "./schemas/organisation.ts";
import type { Route } from "./schemas/route.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

export const WEBHOOK = { url: "http://127.0.0.1:9/hook", events: ["agent.*"] };

/** Bodies of the routes that take one, by their names. */
export const EVERY_ROUTE: readonly { readonly name: string; readonly route: Route; readonly body?: unknown }[] = [
  named(createOrganisationRoute, { name: "Another" }),
  named(listOrganisationsRoute),
  named(createApiKeyRoute, { name: "Another", scope: "ci" }),
  named(listApiKeysRoute),
  named(revokeApiKeyRoute),
  named(createWebhookRoute, WEBHOOK),
  named(listWebhooksRoute),
  named(getWebhookRoute),
  named(updateWebhookRoute, { description: "Changed" }),
  named(deleteWebhookRoute),
  named(listDeliveriesRoute),
  named(listWebhookDeliveriesRoute),
  named(getDeliveryRoute),
  named(getDeliveryLogRoute),
  named(getEventRoute),
];

function named(route: Route, body?: unknown) {
  return { name: route.operation, route, ...(body === undefined ? {} : { body }) };
}
