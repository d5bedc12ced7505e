/**
 * Does a durable hand out what its stream holds? A server of 2.9 that was killed may keep one that does not: its copy
 * of the stream is not the others', or messages that are gone stand first in its queue of what is to be handed out
 * again, of which every request for messages removes one.
 */

/** What one look at a durable shows while somebody here waits for its messages. */
export type Progress = {
  /** When the durable was made, by the server's clock: one that was made anew has another past. */
  readonly madeAtMs: number;
  /** Over all processes, repeats included. */
  readonly handedOut: number;
  /** The highest sequence that was handed out. */
  readonly deliveredSequence: number;
  readonly unacknowledged: number;
  /** Of what it takes from the stream: the last sequence, as the leader of the stream has it. */
  readonly lastSequence: number;
  /** It will never hand out something that the stream holds. */
  readonly hasForgotten: boolean;
};

/** `step-down`: another server is to hand out. `make-anew`: as a durable without that past. */
export type ConsumerRelief = "step-down" | "make-anew";

export type Watched = {
  /** The look before; undefined: something came since, or nobody waited. */
  readonly before: Progress | undefined;
  /** What was done since something came. */
  readonly reliefs: number;
  /** Looks in a row that showed it stuck. */
  readonly stuckLooks: number;
};

export type ProgressLimits = {
  /** Unacknowledged messages that keep a durable from handing out more. */
  readonly unacknowledgedMax: number;
  /** Only a cluster has another server. */
  readonly isClustered: boolean;
};

export const NOTHING_WATCHED: Watched = { before: undefined, reliefs: 0, stuckLooks: 0 };
/** What did not help is done again after twice as many looks, up to this many. */
const PATIENCE_LOOKS_MAX = 64;

export type ProgressVerdict = { readonly watched: Watched; readonly relief: ConsumerRelief | undefined };

/** Stuck: between two looks nothing was handed out, though what it owes was there at the first of them already. */
export function judgeProgress(watched: Watched, now: Progress, limits: ProgressLimits): ProgressVerdict {
  const { before, reliefs } = watched;
  if (before === undefined || !isStuck(before, now, limits)) {
    const hasMoved = before !== undefined && before.madeAtMs === now.madeAtMs && now.handedOut > before.handedOut;
    return { watched: { before: now, reliefs: hasMoved ? 0 : reliefs, stuckLooks: 0 }, relief: undefined };
  }
  const stuckLooks = watched.stuckLooks + 1;
  if (stuckLooks < Math.min(2 ** reliefs, PATIENCE_LOOKS_MAX)) {
    return { watched: { before: now, reliefs, stuckLooks }, relief: undefined };
  }
  const mayHelp = limits.isClustered && reliefs % 2 === 0 && !now.hasForgotten;
  const relief = mayHelp ? "step-down" : "make-anew";
  return { watched: { before: undefined, reliefs: reliefs + 1, stuckLooks: 0 }, relief };
}

function isStuck(before: Progress, now: Progress, { unacknowledgedMax }: ProgressLimits): boolean {
  return (
    before.madeAtMs === now.madeAtMs &&
    before.handedOut === now.handedOut &&
    ((before.hasForgotten && now.hasForgotten) || before.lastSequence > now.deliveredSequence) &&
    now.unacknowledged < unacknowledgedMax
  );
}
