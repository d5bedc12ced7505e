/** Test sends: one request to a webhook's receiver, now, with what came of it. */

import { z } from "zod";
import { getDeliveryRoute } from "./delivery.ts";
import { eventType } from "./event-type.ts";
import { noQuery, type Route } from "./route.ts";

export const testWebhookRoute = {
  operation: "testWebhook",
  summary: "Send a test event to a webhook and see what comes of it",
  description:
    "One attempt is made while the request waits, paused or not, whatever the patterns and the filter. It is kept in " +
    "history with `test: true`, never retried, and says nothing of the webhook's health. Without `type` it is `test`; " +
    "without `data` it is a message that says what this is.",
  tag: "Webhooks",
  method: "POST",
  path: "/v1/orgs/:org/webhooks/:webhook/test",
  access: "configure",
  changesConfiguration: false,
  query: noQuery,
  body: z.strictObject({ type: eventType.nullable().optional(), data: z.unknown().optional() }),
  success: { status: 200, body: getDeliveryRoute.success.body },
  refusals: [
    { status: 409, when: "What the webhook signs with cannot be opened by the signer (`unsignable`)" },
    { status: 503, when: "No dispatcher answered in time, and the test may have been sent (`perhaps-sent`)" },
  ],
} as const satisfies Route;
