/** The routes of what is configured, and the handler that answers each. */

import { type CreateApiKeyPorts, createApiKey } from "./handlers/create-api-key.ts";
import { createEventType } from "./handlers/create-event-type.ts";
import { createOrganisation } from "./handlers/create-organisation.ts";
import { createWebhook } from "./handlers/create-webhook.ts";
import { deleteEventType } from "./handlers/delete-event-type.ts";
import { deleteWebhook } from "./handlers/delete-webhook.ts";
import { getEventType } from "./handlers/get-event-type.ts";
import { getOrganisation } from "./handlers/get-organisation.ts";
import { getWebhook } from "./handlers/get-webhook.ts";
import { listApiKeys } from "./handlers/list-api-keys.ts";
import { listEventTypes } from "./handlers/list-event-types.ts";
import { listOrganisations } from "./handlers/list-organisations.ts";
import { listWebhooks } from "./handlers/list-webhooks.ts";
import { revokeApiKey } from "./handlers/revoke-api-key.ts";
import { rotateSecret } from "./handlers/rotate-secret.ts";
import { testWebhook } from "./handlers/test-webhook.ts";
import { updateEventType } from "./handlers/update-event-type.ts";
import { updateOrganisation } from "./handlers/update-organisation.ts";
import { updateWebhook } from "./handlers/update-webhook.ts";
import type { WebhookActs } from "./handlers/webhook-acts.ts";
import type { ApiKeys } from "./io/api-keys.ts";
import type { EventTypes } from "./io/event-types.ts";
import type { Organisations } from "./io/organisations.ts";
import type { ServeRoute } from "./io/serve-routes.ts";
import type { Webhooks } from "./io/webhooks.ts";
import { createApiKeyRoute, listApiKeysRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";
import {
  createEventTypeRoute,
  deleteEventTypeRoute,
  getEventTypeRoute,
  listEventTypesRoute,
  updateEventTypeRoute,
} from "./schemas/event-type.ts";
import {
  createOrganisationRoute,
  getOrganisationRoute,
  listOrganisationsRoute,
  updateOrganisationRoute,
} from "./schemas/organisation.ts";
import { testWebhookRoute } from "./schemas/test-webhook.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  rotateSecretRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

export type ConfigurationPorts = Omit<CreateApiKeyPorts, "apiKeys"> & {
  readonly organisations: Organisations;
  readonly apiKeys: ApiKeys;
  readonly eventTypes: EventTypes;
  readonly webhooks: Pick<Webhooks, "list" | "get">;
  readonly acts: WebhookActs;
};

/** Organisations, API keys, event types and webhooks. */
export function addConfigurationRoutes(serve: ServeRoute, ports: ConfigurationPorts): void {
  serve(createOrganisationRoute, createOrganisation(ports));
  serve(listOrganisationsRoute, listOrganisations(ports));
  serve(getOrganisationRoute, getOrganisation(ports));
  serve(updateOrganisationRoute, updateOrganisation(ports));
  serve(createApiKeyRoute, createApiKey(ports));
  serve(listApiKeysRoute, listApiKeys(ports));
  serve(revokeApiKeyRoute, revokeApiKey(ports));
  serve(createEventTypeRoute, createEventType(ports));
  serve(listEventTypesRoute, listEventTypes(ports));
  serve(getEventTypeRoute, getEventType(ports));
  serve(updateEventTypeRoute, updateEventType(ports));
  serve(deleteEventTypeRoute, deleteEventType(ports));
  const { acts } = ports;
  serve(createWebhookRoute, createWebhook(acts.make));
  serve(listWebhooksRoute, listWebhooks(ports));
  serve(getWebhookRoute, getWebhook(ports));
  serve(updateWebhookRoute, updateWebhook(acts.change));
  serve(deleteWebhookRoute, deleteWebhook(acts.remove));
  serve(rotateSecretRoute, rotateSecret(acts.rotate));
  serve(testWebhookRoute, testWebhook(acts.test));
}
