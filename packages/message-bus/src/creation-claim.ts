/**
 * Lets one process at a time make a stream of a cluster. Two requests for the same new stream may both be written into
 * the cluster's own log; after a restart the stream then has the creation time of the second, and everybody who tells
 * recreated streams apart by it would believe that this one was lost and made anew.
 */

import { JetStreamApiError, StorageType } from "@nats-io/jetstream";
import { RequestError } from "@nats-io/nats-core";
import { orNothing } from "./api-answers.ts";
import type { BusConnection } from "./connection.ts";

/** Its messages are claims: the subject names the stream, the time says since when. */
const CLAIMS_STREAM = "CREATION";
const CLAIMS_SUBJECT_PREFIX = "creation.";
/** Whoever has not made the stream by then is taken to be dead. Clocks differ by less than this. */
const CLAIM_MS = 30_000;
const WRONG_LAST_SEQUENCE = 10071;

export type CreationClaim = {
  readonly stream: string;
  /** Of the stream of claims. */
  readonly replicas: number;
  readonly nowMs: number;
};

/**
 * Whether the caller is the one to make the stream now; if not, it should soon look whether the stream is there, and
 * claim again. A claim ends by its time, or by `giveUpCreation`.
 */
export async function claimCreation(connection: BusConnection, claim: CreationClaim): Promise<boolean> {
  const subject = CLAIMS_SUBJECT_PREFIX + claim.stream;
  const isFirst = await tryClaim(connection, subject, 0);
  if (isFirst === "claimed") return true;
  if (isFirst === "no-claims-stream") {
    requestClaimsStream(connection, claim.replicas);
    return false;
  }
  const held = await orNothing(connection.manager.streams.getMessage(CLAIMS_STREAM, { last_by_subj: subject }));
  if (held === undefined || claim.nowMs - held.time.getTime() < CLAIM_MS) return false;
  return (await tryClaim(connection, subject, held.seq)) === "claimed";
}

/** For a request that was refused: it is certain that nothing was written down, so anybody may try again. */
export async function giveUpCreation(connection: BusConnection, stream: string): Promise<void> {
  await connection.manager.streams.purge(CLAIMS_STREAM, { filter: CLAIMS_SUBJECT_PREFIX + stream });
}

type ClaimAnswer = "claimed" | "held" | "no-claims-stream";

async function tryClaim(connection: BusConnection, subject: string, lastSequence: number): Promise<ClaimAnswer> {
  try {
    const expect = { lastSubjectSequence: lastSequence };
    await connection.manager.jetstream().publish(subject, new Uint8Array(), { expect });
    return "claimed";
  } catch (error) {
    if (isUnheard(error)) return "no-claims-stream";
    if (error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE) return "held";
    throw error;
  }
}

/** Nobody listens on the subject: the stream is not there, or has no leader. */
function isUnheard(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof RequestError && error.cause.isNoResponders();
}

/**
 * It may itself be asked for several times at once, since nobody looks at when it was made. Of several who ask a cluster
 * of 2.9 not all are answered, so the answer is that the next claim finds the stream.
 */
function requestClaimsStream(connection: BusConnection, replicas: number): void {
  const wanted = {
    name: CLAIMS_STREAM,
    subjects: [`${CLAIMS_SUBJECT_PREFIX}*`],
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    num_replicas: replicas,
  };
  connection.manager.streams.add(wanted).catch(() => undefined);
}
