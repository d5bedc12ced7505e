/** Which webhooks have only failed for so long that they are taken out of service. */

import type { LogEvent, OrgId, WebhookId } from "@posthorn/domain";
import type { KnownWebhook } from "./lane-mode.ts";

/** A webhook whose last attempt failed, as history has it. */
export type FailingWebhook = {
  readonly orgId: OrgId;
  readonly webhookId: WebhookId;
  readonly failingSinceMs: number;
  readonly lastAttemptAtMs: number;
  readonly consecutiveFailures: number;
  /** The newest version of its configuration that was asked to be disabled; undefined: none. */
  readonly disabledVersion: number | undefined;
};

/** One failure may be chance. */
const FAILURES_MIN = 2;

/**
 * @param enabledAtMs when the present configuration was first seen: one that was put back into service gets its time
 * anew.
 * @returns undefined: it stays in service.
 */
export function disabling(
  webhook: FailingWebhook,
  known: KnownWebhook,
  enabledAtMs: number,
  disableAfterMs: number,
  nowMs: number,
): Extract<LogEvent, { kind: "webhook.disabled" }> | undefined {
  if (known.kind !== "present" || !known.webhook.isActive) return undefined;
  const { orgId, webhookId, failingSinceMs, lastAttemptAtMs, consecutiveFailures, disabledVersion } = webhook;
  const { version } = known.webhook;
  if (disabledVersion !== undefined && disabledVersion >= version) return undefined;
  const sinceMs = disabledVersion === undefined ? failingSinceMs : Math.max(failingSinceMs, enabledAtMs);
  const isLong = nowMs - sinceMs >= disableAfterMs;
  const wasTried = lastAttemptAtMs > nowMs - disableAfterMs && consecutiveFailures >= FAILURES_MIN;
  if (!isLong || !wasTried) return undefined;
  return { kind: "webhook.disabled", orgId, atMs: nowMs, webhookId, reason: "failing", configVersion: version };
}
