/**
 * How the deliveries of a webhook are released, decided from its configuration and its circuit. Retries of most
 * webhooks take the plain path, by their time alone; what is parked, and everything of rate-limited and ordered
 * webhooks and of those with an open circuit, waits in a lane of the webhook's own.
 */

import {
  type Circuit,
  type DeferReason,
  limits,
  type OrgId,
  type WebhookConfig,
  type WebhookId,
} from "@posthorn/domain";
import type { CircuitSeen } from "./release.ts";

export type WebhookFacts = Pick<WebhookConfig, "isActive" | "disabledByEngine" | "rateLimit" | "ordered"> & {
  readonly version: number;
};

/** What the copy of the configuration says of a webhook. */
export type KnownWebhook =
  | { readonly kind: "present"; readonly webhook: WebhookFacts }
  | { readonly kind: "deleted" }
  | { readonly kind: "unknown" };

/** A webhook for which something is parked. */
export type Lane = {
  readonly partition: number;
  readonly orgId: OrgId;
  readonly webhookId: WebhookId;
  /** Of the oldest delivery that is parked. */
  readonly oldestAcceptedAtMs: number;
  readonly circuit: Circuit;
  /** See `WebhookHealth`. */
  readonly congestedCount: number;
};

export type LaneMode =
  /** Paused: it waits. */
  | { readonly kind: "hold" }
  /** No request will come of it: the dispatchers end it. */
  | { readonly kind: "flush" }
  /** Open circuit: one at a time, to see whether the receiver is back. */
  | { readonly kind: "probe" }
  /** At the receiver's own pace, oldest first. */
  | { readonly kind: "drain" }
  | { readonly kind: "slots"; readonly ratePerS: number }
  | { readonly kind: "run"; readonly ratePerS: number | undefined; readonly isProbe: boolean };

/** A webhook that nobody knows is the dispatchers' to judge: they wait for its configuration. */
export function laneModeOf(known: KnownWebhook, circuit: CircuitSeen): LaneMode {
  if (known.kind === "deleted") return { kind: "flush" };
  if (known.kind === "unknown") return { kind: "drain" };
  const { isActive, disabledByEngine, rateLimit, ordered } = known.webhook;
  if (!isActive) return disabledByEngine ? { kind: "flush" } : { kind: "hold" };
  const isProbe = circuit.kind === "open";
  if (ordered) return { kind: "run", ratePerS: rateLimit, isProbe };
  if (isProbe) return { kind: "probe" };
  return rateLimit === undefined ? { kind: "drain" } : { kind: "slots", ratePerS: rateLimit };
}

/** Why a retry that is due has to wait in its webhook's lane; undefined: it is released. */
export function parkingOf(known: KnownWebhook, circuit: CircuitSeen): DeferReason | undefined {
  const mode = laneModeOf(known, circuit);
  switch (mode.kind) {
    case "probe":
      return "circuit_open";
    case "slots":
      return "rate_limited";
    case "run":
      return "ordered";
    case "hold":
    case "flush":
    case "drain":
      return undefined;
    default:
      return mode satisfies never;
  }
}

/** By how much the clocks of the processes may differ: an expired delivery must not look alive to a dispatcher. */
const CLOCK_SKEW_MS_MAX = 60_000;

/** What was accepted before this moment ends as expired wherever it waits, and may be released whatever its webhook. */
export function expiredBeforeMs(nowMs: number): number {
  return nowMs - limits.DELIVERY_HORIZON_MS - CLOCK_SKEW_MS_MAX;
}

/** What was accepted before this moment is worth no slot, no probe and no share of the pace: no request would come of it. */
export function aliveFromMs(nowMs: number): number {
  return nowMs - limits.DELIVERY_HORIZON_MS;
}
