/**
 * Is a durable still one of the stream that it reads, and if not, where does it have to begin anew? A stream that lost
 * its end (a crash, an older copy put back) reuses sequences, and a server of 2.9 never hands out those that its
 * durable had passed before: what was stored there would wait for ever.
 */

export type DurableFacts = {
  readonly deliveredSequence: number;
  readonly ackFloor: number;
  /** In anybody's hands. */
  readonly unacknowledged: number;
};

export type StreamFacts = {
  readonly epochMs: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Whatever it holds is not worked off yet. */
  readonly isWorkQueue: boolean;
};

export type Seen = { readonly sequence: number; readonly storedAtMs: number };

/** What a process remembers of a durable, all of the stream made at `epochMs`. */
export type Remembered = {
  readonly epochMs: number;
  readonly ackFloor: number;
  /** The message with the highest sequence that was handed out here. */
  readonly newest: Seen | undefined;
};

export type DurableSituation = {
  /** Undefined: there is none. */
  readonly durable: DurableFacts | undefined;
  readonly stream: StreamFacts;
  readonly remembered: Remembered | undefined;
  /** The message at the sequence of `remembered.newest`, if the stream has one. */
  readonly atNewest: Seen | undefined;
  /** The partition's first message: of a work queue the first of all, else the first behind the floor. */
  readonly next: Seen | undefined;
  readonly nowMs: number;
};

export type Beginning =
  | { readonly kind: "all" }
  | { readonly kind: "sequence"; readonly sequence: number }
  | { readonly kind: "time"; readonly atMs: number };

export type DurableVerdict =
  | { readonly kind: "sound" }
  | { readonly kind: "missing"; readonly from: Beginning }
  | { readonly kind: "behind-the-times"; readonly from: Beginning; readonly reason: string };

/** A server writes to its disk within two minutes; what it lost with a crash, and what came since, is younger. */
const REREAD_MS = 3_600_000;
/** The server's clock may have been put right at its restart. */
const CLOCK_MARGIN_MS = 60_000;

export function judgeDurable(situation: DurableSituation): DurableVerdict {
  const { durable, stream } = situation;
  if (durable === undefined) return { kind: "missing", from: beginningOfMissing(situation) };
  const reason = reasonOf(durable, situation);
  if (reason === undefined) return { kind: "sound" };
  const from: Beginning = stream.isWorkQueue ? { kind: "all" } : beginningBehind(durable, situation);
  return { kind: "behind-the-times", from, reason };
}

/** Without a floor to go by all of the stream comes once more: better looked up than lost. */
function beginningOfMissing({ stream, remembered }: DurableSituation): Beginning {
  const isOfThisStream = remembered?.epochMs === stream.epochMs && remembered.ackFloor <= stream.lastSequence;
  if (stream.isWorkQueue || !isOfThisStream) return { kind: "all" };
  return { kind: "sequence", sequence: remembered.ackFloor + 1 };
}

function reasonOf(durable: DurableFacts, situation: DurableSituation): string | undefined {
  const { stream } = situation;
  const { deliveredSequence } = durable;
  if (deliveredSequence > stream.lastSequence) {
    return `the stream ends at ${stream.lastSequence}, its consumer was at ${deliveredSequence}`;
  }
  if (stream.isWorkQueue && holdsForgotten(durable, situation.next?.sequence)) {
    return `the stream holds messages up to ${durable.ackFloor} that its consumer had passed`;
  }
  return hasAnotherPast(situation) ? "the stream holds other messages than it did" : undefined;
}

/**
 * Of a work queue: nobody has anything in hand or is ever handed what stands there. A killed server brought back what
 * had been worked off, or counted as worked off what was not, which 2.9 does: whoever gets it may be repeating it.
 * @param firstSequence of what the durable takes, if the queue holds any.
 */
export function holdsForgotten({ unacknowledged, ackFloor }: DurableFacts, firstSequence: number | undefined): boolean {
  return unacknowledged === 0 && firstSequence !== undefined && firstSequence <= ackFloor;
}

/** What a work queue held is gone when it was worked off. */
function hasAnotherPast({ stream, remembered, atNewest }: DurableSituation): boolean {
  const newest = remembered?.newest;
  if (stream.isWorkQueue || newest === undefined || remembered?.epochMs !== stream.epochMs) return false;
  return newest.sequence >= stream.firstSequence && atNewest?.storedAtMs !== newest.storedAtMs;
}

/** At the floor, unless what stands there came after the loss: then everything that did. */
function beginningBehind({ ackFloor }: DurableFacts, { stream, remembered, next, nowMs }: DurableSituation): Beginning {
  const newest = remembered?.epochMs === stream.epochMs ? remembered.newest : undefined;
  const oldUntilMs = newest === undefined ? nowMs - REREAD_MS : newest.storedAtMs - CLOCK_MARGIN_MS;
  if (next !== undefined && next.storedAtMs < oldUntilMs) return { kind: "sequence", sequence: ackFloor + 1 };
  return { kind: "time", atMs: oldUntilMs };
}
