/**
 * What to do with a work item, given the webhook as it is configured now. Decided before anything is sent; the
 * work item's own profile, not the webhook's, says what the body is.
 */

import { type CancelReason, type DeferReason, limits, type WebhookConfig, type WorkItem } from "@posthorn/domain";

/** What the configuration says of a webhook. Absent without a tombstone means that the copy cannot tell. */
export type WebhookLookup =
  | { readonly kind: "present"; readonly webhook: WebhookConfig }
  | { readonly kind: "deleted" }
  | { readonly kind: "absent" };

export type AttemptPlan =
  | { readonly kind: "send"; readonly webhook: WebhookConfig }
  | { readonly kind: "cancel"; readonly reason: CancelReason }
  | { readonly kind: "defer"; readonly reason: DeferReason }
  | { readonly kind: "exhaust"; readonly reason: "expired" }
  /** Hand the item back and look again later. */
  | { readonly kind: "wait" };

export function planAttempt(item: WorkItem, lookup: WebhookLookup, nowMs: number): AttemptPlan {
  if (lookup.kind === "deleted") return { kind: "cancel", reason: "webhook_deleted" };
  if (nowMs >= item.acceptedAtMs + limits.DELIVERY_HORIZON_MS) return { kind: "exhaust", reason: "expired" };
  if (lookup.kind === "absent") return { kind: "wait" };
  const { webhook } = lookup;
  if (webhook.orgId !== item.orgId) return { kind: "wait" };
  if (!webhook.isActive) return { kind: "defer", reason: "webhook_inactive" };
  return { kind: "send", webhook };
}
