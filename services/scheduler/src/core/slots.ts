/**
 * The slots of a rate-limited webhook: moments at which one request may leave. Handed out in order by the one owner of
 * the partition, they keep the rate over any number of dispatchers, in every second and not only on average.
 */

import type { ReleaseTerms } from "@posthorn/domain";

export type Slot = NonNullable<ReleaseTerms["slot"]>;

/** A request leaves within this time from its slot's begin. */
export const SLOT_WIDTH_MS = 80;
/** By how much the way to the receiver may shift one request against another. */
const ARRIVAL_JITTER_MS = 20;
/** No second holds more than the rate and a tenth of it. */
const EXCESS_SHARE = 1.1;
/** Between the release and the slot: the way through the stream, and a look by the fence. */
const LEAD_MS_MIN = 300;
/** Slots are handed out this far ahead; what is further off waits in its row. */
const LEAD_MS_MAX = 500;
/** A run of a webhook that is ordered too reaches this much further, since the next one has to wait for its end. */
export const RUN_AHEAD_MS = 1_000;
/** A former owner goes on for this long at most until it notices. */
export const OWNERSHIP_MS_MAX = 2_000;
/** After a change of owners: behind everything that the former one may have handed out. */
export const HANDOVER_MS = OWNERSHIP_MS_MAX + LEAD_MS_MAX + RUN_AHEAD_MS + SLOT_WIDTH_MS + ARRIVAL_JITTER_MS;

/** One more than may fall into a second have to span more than that second, however each lies in its slot. */
export function slotSpacingMs(ratePerS: number): number {
  const inAnySecondMax = Math.floor(ratePerS * EXCESS_SHARE + 1e-9);
  return Math.max(1_000 / ratePerS, (1_000 + SLOT_WIDTH_MS + ARRIVAL_JITTER_MS) / inAnySecondMax);
}

export type SlotRange = {
  /** Where the last slots ended; the next may begin here. Undefined: none were handed out by this owner. */
  readonly nextMs: number | undefined;
  readonly nowMs: number;
  /** Nothing before this: slots of a former owner. */
  readonly notBeforeMs: number;
  /** Beyond `LEAD_MS_MAX`. */
  readonly aheadMs: number;
};

/** How many slots are free in the range, from where on. */
export function freeSlots(ratePerS: number, range: SlotRange): { readonly firstMs: number; readonly count: number } {
  const { nextMs = 0, nowMs } = range;
  // Slots are never handed out so far ahead: the clock was set back since.
  const behindMs = nextMs > nowMs + HANDOVER_MS ? 0 : nextMs;
  const firstMs = Math.max(behindMs, nowMs + LEAD_MS_MIN, range.notBeforeMs);
  const endMs = nowMs + LEAD_MS_MAX + range.aheadMs;
  const count = firstMs >= endMs ? 0 : Math.ceil((endMs - firstMs) / slotSpacingMs(ratePerS));
  return { firstMs, count };
}

/** The first `count` slots from `firstMs`, and where the next may begin. */
export function takeSlots(
  ratePerS: number,
  firstMs: number,
  count: number,
): { readonly slots: readonly Slot[]; readonly nextMs: number } {
  const spacingMs = slotSpacingMs(ratePerS);
  const slots = Array.from({ length: count }, (_, index) => {
    const fromMs = Math.floor(firstMs + index * spacingMs);
    return { fromMs, untilMs: fromMs + SLOT_WIDTH_MS };
  });
  return { slots, nextMs: firstMs + count * spacingMs };
}
