/** Every route of the native API, in the order of its documentation. */

import { createApiKeyRoute, listApiKeysRoute, revokeApiKeyRoute } from "./api-key.ts";
import { listAuditRoute } from "./audit.ts";
import {
  getDeliveryLogRoute,
  getDeliveryRoute,
  listDeliveriesRoute,
  listWebhookDeliveriesRoute,
  retryDeliveriesRoute,
  retryDeliveryRoute,
} from "./delivery.ts";
import { deletePayloadRoute, getEventRoute, listEventsRoute } from "./event.ts";
import {
  createEventTypeRoute,
  deleteEventTypeRoute,
  getEventTypeRoute,
  listEventTypesRoute,
  updateEventTypeRoute,
} from "./event-type.ts";
import { explainEventRoute, explainTypeRoute } from "./explain.ts";
import {
  createOrganisationRoute,
  getOrganisationRoute,
  listOrganisationsRoute,
  updateOrganisationRoute,
} from "./organisation.ts";
import { getReplayRoute, listReplaysRoute, startReplayRoute } from "./replay.ts";
import type { Route } from "./route.ts";
import { testWebhookRoute } from "./test-webhook.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  rotateSecretRoute,
  updateWebhookRoute,
} from "./webhook.ts";

export const EVERY_ROUTE: readonly Route[] = [
  createOrganisationRoute,
  listOrganisationsRoute,
  getOrganisationRoute,
  updateOrganisationRoute,
  createApiKeyRoute,
  listApiKeysRoute,
  revokeApiKeyRoute,
  createWebhookRoute,
  listWebhooksRoute,
  getWebhookRoute,
  updateWebhookRoute,
  deleteWebhookRoute,
  rotateSecretRoute,
  testWebhookRoute,
  listDeliveriesRoute,
  listWebhookDeliveriesRoute,
  getDeliveryRoute,
  getDeliveryLogRoute,
  retryDeliveryRoute,
  retryDeliveriesRoute,
  startReplayRoute,
  listReplaysRoute,
  getReplayRoute,
  listEventsRoute,
  getEventRoute,
  explainEventRoute,
  explainTypeRoute,
  deletePayloadRoute,
  createEventTypeRoute,
  listEventTypesRoute,
  getEventTypeRoute,
  updateEventTypeRoute,
  deleteEventTypeRoute,
  listAuditRoute,
];
