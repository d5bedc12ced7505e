/** When room is made in a stream, and how much of its old end may go for it. */

/** Of the bytes that a stream may hold. Beyond it room is made; what is full refuses new messages. */
const FULL_ENOUGH_SHARE = 0.8;
/** Of a stream's messages that go at once: what is kept beyond need serves replays, catching up and restores. */
const STEP_SHARE = 0.25;

export type Fill = {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly bytes: number;
  readonly bytesMax: number;
};

export type RoomPlan =
  | { readonly kind: "room-enough" }
  /** Everything before this sequence may go. */
  | { readonly kind: "purge"; readonly before: number }
  /** Whatever is there is needed. */
  | { readonly kind: "all-needed" };

export function isFullEnough({ bytes, bytesMax }: Pick<Fill, "bytes" | "bytesMax">): boolean {
  return bytesMax > 0 && bytes >= bytesMax * FULL_ENOUGH_SHARE;
}

/** @param neededFrom the first sequence that somebody needs, of each who was asked; undefined: needs nothing. */
export function planRoom(fill: Fill, neededFrom: readonly (number | undefined)[]): RoomPlan {
  if (!isFullEnough(fill)) return { kind: "room-enough" };
  const { firstSequence, lastSequence } = fill;
  const step = firstSequence + Math.ceil((lastSequence - firstSequence) * STEP_SHARE);
  const before = Math.min(step, ...neededFrom.filter((sequence) => sequence !== undefined));
  return before > firstSequence ? { kind: "purge", before } : { kind: "all-needed" };
}
