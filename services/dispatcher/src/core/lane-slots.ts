/**
 * How many items a lane may be busy with. A first attempt waits for all that the event loop does at a time, so a lane
 * that can wait begins with few slots and gets more only while these are taken and the loop does not lag: then it is the
 * receivers that take their time.
 */

export type SlotLimits = {
  readonly slotsMax: number;
  /** To begin with, and while the event loop lags. As many as `slotsMax` in a lane that gives way to no other. */
  readonly slotsMin: number;
};

/** Up to this much an event loop lags that has little to do. */
const CALM_LAG_MS = 3;
const GROWTH = 1.25;

/**
 * After another tick.
 * @param lagMs how late the event loop's timers are, smoothed.
 */
export function nextSlots(slots: number, inUse: number, { slotsMax, slotsMin }: SlotLimits, lagMs: number): number {
  if (lagMs > CALM_LAG_MS || inUse < slotsMin / 2) return slotsMin;
  return inUse < slots / 2 ? slots : Math.min(slotsMax, Math.ceil(slots * GROWTH));
}
