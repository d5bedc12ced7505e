/** Every route and the handler that answers it. */

import { type CreateApiKeyPorts, createApiKey } from "./handlers/create-api-key.ts";
import { createOrganisation } from "./handlers/create-organisation.ts";
import { type CreateWebhookPorts, createWebhook } from "./handlers/create-webhook.ts";
import { deleteWebhook } from "./handlers/delete-webhook.ts";
import { type GetDeliveryPorts, getDelivery } from "./handlers/get-delivery.ts";
import { getDeliveryLog } from "./handlers/get-delivery-log.ts";
import { type GetEventPorts, getEvent } from "./handlers/get-event.ts";
import { getWebhook } from "./handlers/get-webhook.ts";
import { listApiKeys } from "./handlers/list-api-keys.ts";
import { listDeliveries, listWebhookDeliveries } from "./handlers/list-deliveries.ts";
import { listOrganisations } from "./handlers/list-organisations.ts";
import { listWebhooks } from "./handlers/list-webhooks.ts";
import { revokeApiKey } from "./handlers/revoke-api-key.ts";
import { updateWebhook } from "./handlers/update-webhook.ts";
import type { ApiKeys } from "./io/api-keys.ts";
import type { Deliveries } from "./io/deliveries.ts";
import type { Organisations } from "./io/organisations.ts";
import type { ServeRoute } from "./io/serve-routes.ts";
import type { Webhooks } from "./io/webhooks.ts";
import { createApiKeyRoute, listApiKeysRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";
import {
  getDeliveryLogRoute,
  getDeliveryRoute,
  listDeliveriesRoute,
  listWebhookDeliveriesRoute,
} from "./schemas/delivery.ts";
import { getEventRoute } from "./schemas/event.ts";
import { createOrganisationRoute, listOrganisationsRoute } from "./schemas/organisation.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

export type ConfigurationPorts = Omit<CreateApiKeyPorts & CreateWebhookPorts, "apiKeys" | "webhooks"> & {
  readonly organisations: Organisations;
  readonly apiKeys: ApiKeys;
  readonly webhooks: Webhooks;
};

/** Organisations, API keys and webhooks. */
export function addConfigurationRoutes(serve: ServeRoute, ports: ConfigurationPorts): void {
  serve(createOrganisationRoute, createOrganisation(ports));
  serve(listOrganisationsRoute, listOrganisations(ports));
  serve(createApiKeyRoute, createApiKey(ports));
  serve(listApiKeysRoute, listApiKeys(ports));
  serve(revokeApiKeyRoute, revokeApiKey(ports));
  serve(createWebhookRoute, createWebhook(ports));
  serve(listWebhooksRoute, listWebhooks(ports));
  serve(getWebhookRoute, getWebhook(ports));
  serve(updateWebhookRoute, updateWebhook(ports));
  serve(deleteWebhookRoute, deleteWebhook(ports));
}

export type HistoryPorts = Omit<GetDeliveryPorts & GetEventPorts, "deliveries"> & {
  readonly deliveries: Deliveries;
  readonly webhooks: Pick<Webhooks, "hasExisted">;
};

/** Events, deliveries and their log. */
export function addHistoryRoutes(serve: ServeRoute, ports: HistoryPorts): void {
  serve(listDeliveriesRoute, listDeliveries(ports));
  serve(listWebhookDeliveriesRoute, listWebhookDeliveries(ports));
  serve(getDeliveryRoute, getDelivery(ports));
  serve(getDeliveryLogRoute, getDeliveryLog(ports));
  serve(getEventRoute, getEvent(ports));
}
