/**
 * How many items a lane may be busy with. A first attempt waits for all that the event loop does at a time, so a lane
 * that can wait has fewer slots while the loop lags: it comes nearly as fast with these, and holds up nobody.
 */

export type SlotLimits = {
  readonly slotsMax: number;
  /** However much the event loop lags. As many as `slotsMax` in a lane that gives way to no other. */
  readonly slotsMin: number;
};

/** Up to this much an event loop lags that has little to do. */
const CALM_LAG_MS = 3;

/** @param lagMs how late the event loop's timers are, smoothed. */
export function slotsNow({ slotsMax, slotsMin }: SlotLimits, lagMs: number): number {
  if (lagMs <= CALM_LAG_MS) return slotsMax;
  return Math.max(slotsMin, Math.floor((slotsMax * CALM_LAG_MS) / lagMs));
}
