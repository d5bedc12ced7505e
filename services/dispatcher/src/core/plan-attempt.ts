/**
 * What to do with a work item, given what the configuration says now. Decided before anything is sent; the work item's
 * own profile, not the webhook's, says what the body is.
 */

import { type CancelReason, type DeferReason, limits, type WebhookConfig, type WorkItem } from "@posthorn/domain";

/** What the configuration says of a webhook. Absent without a tombstone means that the copy cannot tell. */
export type WebhookLookup =
  | {
      readonly kind: "present";
      readonly webhook: WebhookConfig;
      readonly version: number;
      /** This process has logged that this version is to be disabled. */
      readonly isDisabledHere: boolean;
    }
  | { readonly kind: "deleted" }
  | { readonly kind: "absent" };

export type AttemptPlan =
  | { readonly kind: "send"; readonly webhook: WebhookConfig; readonly version: number }
  | { readonly kind: "cancel"; readonly reason: CancelReason }
  | { readonly kind: "defer"; readonly reason: DeferReason }
  | { readonly kind: "exhaust"; readonly reason: "expired" }
  /** Hand the item back and look again later. */
  | { readonly kind: "wait" };

/** @param payloadIsDeleted nobody may send the event's data any more. */
export function planAttempt(
  item: WorkItem,
  lookup: WebhookLookup,
  payloadIsDeleted: boolean,
  nowMs: number,
): AttemptPlan {
  if (payloadIsDeleted) return { kind: "cancel", reason: "payload_deleted" };
  if (lookup.kind === "deleted") return { kind: "cancel", reason: "webhook_deleted" };
  if (nowMs >= item.acceptedAtMs + limits.DELIVERY_HORIZON_MS) return { kind: "exhaust", reason: "expired" };
  if (lookup.kind === "absent") return { kind: "wait" };
  const { webhook, version, isDisabledHere } = lookup;
  if (webhook.orgId !== item.orgId) return { kind: "wait" };
  if (isDisabledHere || (webhook.disabledByEngine && !webhook.isActive)) {
    return { kind: "cancel", reason: "webhook_disabled" };
  }
  if (!webhook.isActive) return { kind: "defer", reason: "webhook_inactive" };
  const reason = schedulersReason(item, webhook, nowMs);
  return reason === undefined ? { kind: "send", webhook, version } : { kind: "defer", reason };
}

/**
 * Why only the scheduler may say when this item leaves. It may have been queued before the webhook was limited or
 * ordered; a probe leaves without a slot, since nothing else does.
 */
function schedulersReason(
  { terms }: WorkItem,
  { rateLimit, ordered }: WebhookConfig,
  nowMs: number,
): DeferReason | undefined {
  if (ordered && terms === undefined) return "ordered";
  if (rateLimit === undefined || terms?.isProbe === true) return undefined;
  return terms?.slot === undefined || nowMs > terms.slot.untilMs ? "rate_limited" : undefined;
}
