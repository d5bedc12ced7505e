/** Webhooks and deliveries in the words of MUTX. */

import { type AcceptedEvent, maskUrl } from "@posthorn/domain";
import { textOf } from "../../core/present-delivery.ts";
import type { UrlView, Webhook } from "../../core/present-webhook.ts";
import type { DeliveryStory } from "../../handlers/read-delivery.ts";
import { pythonTime, pythonTimeOrNull } from "../mount.ts";

const RESPONSE_CHARACTERS_MAX = 10_000;

export function presentMutxWebhook(webhook: Webhook, urlView: UrlView) {
  return {
    id: webhook.id,
    // MUTX's users are Posthorn's organisations.
    user_id: webhook.orgId,
    name: webhook.description ?? null,
    url: urlView === "whole" ? webhook.url : maskUrl(webhook.url),
    events: [...webhook.patterns],
    secret: null,
    has_secret: webhook.hasSecret,
    is_active: webhook.isActive,
    circuit_open: webhook.health.circuit.kind === "open",
    consecutive_failures: webhook.health.consecutiveFailures,
    created_at: pythonTime(webhook.createdAtMs),
    total_deliveries: null,
    successful_deliveries: null,
    failed_deliveries: null,
  };
}

/** One per delivery; what was exchanged is of its last attempt. */
export function presentMutxDelivery({ dossier, attempts, event }: DeliveryStory) {
  const { delivery } = dossier;
  const last = attempts.at(-1);
  const answer = delivery.lastStatusCode === undefined ? undefined : last?.responseBody;
  const isDelivered = delivery.status === "delivered";
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    event: delivery.eventType,
    payload: dataText(event),
    status_code: delivery.lastStatusCode ?? null,
    response_body: answer === undefined ? null : textOf(answer).slice(0, RESPONSE_CHARACTERS_MAX),
    success: isDelivered,
    error_message: isDelivered ? null : (delivery.errorMessage ?? null),
    attempts: delivery.attemptCount,
    duration_ms: last?.durationMs ?? null,
    parent_delivery_id: delivery.replayOf ?? null,
    created_at: pythonTime(delivery.createdAtMs),
    delivered_at: isDelivered ? pythonTimeOrNull(delivery.completedAtMs) : null,
  };
}

/** The JSON text of `data`; empty once it is gone. */
function dataText(event: AcceptedEvent | undefined): string {
  return event === undefined ? "" : textOf(event.data);
}
