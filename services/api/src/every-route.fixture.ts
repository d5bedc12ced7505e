/** Every route with a body that it accepts, for tests that walk them all. A new route needs its body here, if any. */

import { EVERY_ROUTE as ROUTES } from "./schemas/every-route.ts";
import type { Route } from "./schemas/route.ts";

export const WEBHOOK = { url: "http://127.0.0.1:9/hook", events: ["agent.*"] };

/** By operation. */
const BODIES: Readonly<Record<string, unknown>> = {
  createOrganisation: { name: "Another" },
  createApiKey: { name: "Another", scope: "ci" },
  createWebhook: WEBHOOK,
  updateOrganisation: { strict_event_types: false },
  updateWebhook: { description: "Changed" },
  rotateSecret: {},
  testWebhook: {},
  createEventType: { name: "agent.status", schema: { type: "object" } },
  updateEventType: { description: "Changed" },
  retryDeliveries: { status: "exhausted" },
  startReplay: { since: "2026-03-24T13:37:00Z", status: ["exhausted", "skipped"], types: ["agent.*"] },
  explainType: { type: "agent.status", data: { level: 1 } },
};

export const EVERY_ROUTE: readonly { readonly name: string; readonly route: Route; readonly body?: unknown }[] =
  ROUTES.map((route) => {
    const body = BODIES[route.operation];
    return { name: route.operation, route, ...(body === undefined ? {} : { body }) };
  });
