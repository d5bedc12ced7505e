/** Why things happen to deliveries and webhooks: closed lists, and the parsers that nobody gets past with another text. */

/** Why a delivery was not even tried. */
export type SkipReason = (typeof SKIP_REASONS)[number];
const SKIP_REASONS = ["webhook_inactive", "loop"] as const;

/** Why a delivery waits for its receiver's sake. */
export type DeferReason = (typeof DEFER_REASONS)[number];
const DEFER_REASONS = [
  "webhook_inactive",
  "circuit_open",
  "receiver_slow",
  "rate_limited",
  "ordered",
  "replay",
  "unsignable",
] as const;

/** Why no attempt follows. */
export type ExhaustReason = (typeof EXHAUST_REASONS)[number];
const EXHAUST_REASONS = ["attempts_exhausted", "expired", "gone", "unrepresentable", "payload_gone"] as const;

/** Why a delivery is wanted no longer. */
export type CancelReason = (typeof CANCEL_REASONS)[number];
const CANCEL_REASONS = ["webhook_deleted", "webhook_disabled", "payload_deleted"] as const;

/** Why the engine takes a webhook out of service. */
export type DisableReason = (typeof DISABLE_REASONS)[number];
const DISABLE_REASONS = ["gone", "failing"] as const;

export const parseSkipReason = (text: string) => SKIP_REASONS.find((reason) => reason === text);
export const parseDeferReason = (text: string) => DEFER_REASONS.find((reason) => reason === text);
export const parseExhaustReason = (text: string) => EXHAUST_REASONS.find((reason) => reason === text);
export const parseCancelReason = (text: string) => CANCEL_REASONS.find((reason) => reason === text);
export const parseDisableReason = (text: string) => DISABLE_REASONS.find((reason) => reason === text);
