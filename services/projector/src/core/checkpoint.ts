/**
 * How far a partition of LOG has been projected, and whether the stream can still be trusted to continue there. A
 * recreated or truncated stream reuses sequences: reading on from a sequence alone would skip what it now holds.
 */

/** Where a message stands in the archive. Positions of a partition grow for ever: first by epoch, then by sequence. */
export type LogPosition = { readonly epochMs: number; readonly sequence: number };

export type Checkpoint = LogPosition & {
  /** The creation time of the stream that was read. `epochMs` is this, or later when the stream changed its past. */
  readonly streamEpochMs: number;
  /** Of the last message's bytes; undefined before the first message of an epoch. */
  readonly fingerprint: string | undefined;
};

/** The stream as it is now. */
export type StreamFacts = {
  readonly epochMs: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Of the message at the checkpoint's sequence, if the stream has one there. */
  readonly fingerprintAtCheckpoint: string | undefined;
};

export type Resumption =
  /** The stream continues where the checkpoint is. */
  | { readonly kind: "resume"; readonly checkpoint: Checkpoint }
  /** Nothing of this partition has been projected yet. */
  | { readonly kind: "begin"; readonly checkpoint: Checkpoint }
  /**
   * The past of the stream is not the one that was projected: it is read again, as a new epoch. `isSameStream`: it lost
   * its end and uses sequences again, so that what it held before may be known still.
   */
  | {
      readonly kind: "distrust";
      readonly checkpoint: Checkpoint;
      readonly reason: string;
      readonly isSameStream: boolean;
    };

export function judgeStream(checkpoint: Checkpoint | undefined, stream: StreamFacts): Resumption {
  if (checkpoint === undefined) return { kind: "begin", checkpoint: startOf(stream.epochMs, stream.epochMs) };
  const reason = distrustReason(checkpoint, stream);
  if (reason === undefined) return { kind: "resume", checkpoint };
  const epochMs = Math.max(stream.epochMs, checkpoint.epochMs + 1);
  const isSameStream = stream.epochMs === checkpoint.streamEpochMs;
  return { kind: "distrust", checkpoint: startOf(stream.epochMs, epochMs), reason, isSameStream };
}

/** The last message that archive and stream both have, and up to which they are the same. */
export type CommonPast = { readonly sequence: number; readonly fingerprint: string };

/** What is archived already is not read again. */
export function behindCommonPast(checkpoint: Checkpoint, common: CommonPast | undefined): Checkpoint {
  return common === undefined ? checkpoint : { ...checkpoint, ...common };
}

function startOf(streamEpochMs: number, epochMs: number): Checkpoint {
  return { streamEpochMs, epochMs, sequence: 0, fingerprint: undefined };
}

function distrustReason(checkpoint: Checkpoint, stream: StreamFacts): string | undefined {
  const { sequence, fingerprint } = checkpoint;
  if (stream.epochMs !== checkpoint.streamEpochMs) return "the stream was created anew";
  if (fingerprint === undefined) return undefined;
  if (sequence > stream.lastSequence) return `the stream ends at ${stream.lastSequence}, before ${sequence}`;
  // Retention has dropped the message; nothing can be compared, and a stream that lost its end would be shorter.
  if (sequence < stream.firstSequence) return undefined;
  const { fingerprintAtCheckpoint } = stream;
  if (fingerprintAtCheckpoint === undefined) return `the stream has no message ${sequence} any more`;
  return fingerprint === fingerprintAtCheckpoint ? undefined : `the stream holds another message at ${sequence}`;
}
