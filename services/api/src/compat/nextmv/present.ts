/** Webhooks and conversations in the words of Nextmv. A conversation is one attempt of a delivery. */

import { maskUrl } from "@posthorn/domain";
import { attemptName } from "../../core/attempt-name.ts";
import { instant } from "../../core/instant.ts";
import { type Attempt, type Delivery, presentAnswer, presentRequest } from "../../core/present-delivery.ts";
import type { UrlView, Webhook } from "../../core/present-webhook.ts";

export function presentNextmvWebhook(webhook: Webhook, urlView: UrlView) {
  return {
    id: idOf(webhook),
    event_types: [...webhook.patterns],
    endpoint_url: urlView === "whole" ? webhook.url : maskUrl(webhook.url),
    description: webhook.description ?? "",
    created_at: instant(webhook.createdAtMs),
    updated_at: instant(webhook.updatedAtMs),
  };
}

/** @param requestBody the body that every attempt carried; undefined when its payload is gone. */
export function presentConversation(
  webhook: Webhook,
  delivery: Delivery,
  attempt: Attempt,
  requestBody: Uint8Array | undefined,
) {
  const answer = presentAnswer(attempt);
  return {
    id: attemptName({ deliveryId: delivery.id, number: attempt.number }),
    webhook_id: idOf(webhook),
    event_type: delivery.eventType,
    created_at: instant(attempt.startedAtMs),
    duration_ms: attempt.durationMs,
    successful: attempt.outcome === "succeeded",
    error: attempt.errorMessage ?? null,
    request: presentRequest(attempt, requestBody),
    response: answer === null ? null : { status_code: answer.statusCode, ...answer.content },
  };
}

/** One that was made over the native API, or moved to this profile there, has the id of that. */
function idOf(webhook: Webhook): string {
  return webhook.externalId ?? webhook.id;
}
