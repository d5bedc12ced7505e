import { expect, test } from "vitest";
import { behindCommonPast, type Checkpoint, judgeStream } from "./checkpoint.ts";

const checkpoint: Checkpoint = { streamEpochMs: 1_000, epochMs: 1_000, sequence: 50, fingerprint: "aa" };
const stream = { epochMs: 1_000, firstSequence: 1, lastSequence: 90, fingerprintAtCheckpoint: "aa" };

test("a partition without a checkpoint begins with the first message of the stream", () => {
  expect(judgeStream(undefined, stream)).toEqual({
    kind: "begin",
    checkpoint: { streamEpochMs: 1_000, epochMs: 1_000, sequence: 0, fingerprint: undefined },
  });
});

test.each([
  ["holds the same message there", stream],
  ["ends with that message", { ...stream, lastSequence: 50 }],
  ["has dropped it with its age", { ...stream, firstSequence: 51, fingerprintAtCheckpoint: undefined }],
  ["has dropped everything", { ...stream, firstSequence: 91, fingerprintAtCheckpoint: undefined }],
])("a stream that %s is resumed", (_, found) => {
  expect(judgeStream(checkpoint, found)).toEqual({ kind: "resume", checkpoint });
});

test("a checkpoint before the first message of its epoch is resumed", () => {
  const begun = { ...checkpoint, sequence: 0, fingerprint: undefined };
  expect(judgeStream(begun, { ...stream, fingerprintAtCheckpoint: undefined })).toMatchObject({ kind: "resume" });
});

test.each([
  ["was created anew", { ...stream, epochMs: 2_000 }, 2_000],
  ["was created anew by a server whose clock is behind", { ...stream, epochMs: 900 }, 1_001],
  ["holds another message there", { ...stream, fingerprintAtCheckpoint: "bb" }, 1_001],
  ["lost its end", { ...stream, lastSequence: 49, fingerprintAtCheckpoint: undefined }, 1_001],
  ["lost everything", { ...stream, firstSequence: 0, lastSequence: 0, fingerprintAtCheckpoint: undefined }, 1_001],
  ["lost that message only", { ...stream, fingerprintAtCheckpoint: undefined }, 1_001],
])("a stream that %s is read from its first message, as a later epoch", (_, found, epochMs) => {
  expect(judgeStream(checkpoint, found)).toMatchObject({
    kind: "distrust",
    checkpoint: { streamEpochMs: found.epochMs, epochMs, sequence: 0, fingerprint: undefined },
    isSameStream: found.epochMs === checkpoint.streamEpochMs,
  });
});

test("a stream that lost its end is read again behind what it has in common with the archive", () => {
  const anew = { streamEpochMs: 1_000, epochMs: 1_001, sequence: 0, fingerprint: undefined };
  expect(behindCommonPast(anew, { sequence: 40, fingerprint: "cc" })).toEqual({
    streamEpochMs: 1_000,
    epochMs: 1_001,
    sequence: 40,
    fingerprint: "cc",
  });
  expect(behindCommonPast(anew, undefined)).toEqual(anew);
});
