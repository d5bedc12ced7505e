/** The closed lists of reasons, parsed where they come off the wire or out of a table. */

import type { CancelReason, DeferReason, DisableReason, ExhaustReason, SkipReason } from "@posthorn/domain";

const SKIP_REASONS: readonly SkipReason[] = ["webhook_inactive", "loop"];
const DEFER_REASONS: readonly DeferReason[] = [
  "webhook_inactive",
  "circuit_open",
  "receiver_slow",
  "rate_limited",
  "ordered",
  "replay",
  "unsignable",
];
const EXHAUST_REASONS: readonly ExhaustReason[] = [
  "attempts_exhausted",
  "expired",
  "gone",
  "unrepresentable",
  "payload_gone",
];
const CANCEL_REASONS: readonly CancelReason[] = ["webhook_deleted", "webhook_disabled", "payload_deleted"];
const DISABLE_REASONS: readonly DisableReason[] = ["gone", "failing"];

export const skipReason = (text: string) => SKIP_REASONS.find((reason) => reason === text);
export const deferReason = (text: string) => DEFER_REASONS.find((reason) => reason === text);
export const exhaustReason = (text: string) => EXHAUST_REASONS.find((reason) => reason === text);
export const cancelReason = (text: string) => CANCEL_REASONS.find((reason) => reason === text);
export const disableReason = (text: string) => DISABLE_REASONS.find((reason) => reason === text);
