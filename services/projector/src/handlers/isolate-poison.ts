/**
 * A log message that can be decoded but not projected must not stop its partition for ever. Failure policy: it is
 * archived as it is, counted and skipped, like one that cannot be decoded; every other message of its batch goes
 * through.
 */

import type { Decoded } from "@posthorn/contracts";
import { sqlStateOf } from "@posthorn/database";
import type { LogFact } from "@posthorn/domain";

export type Decodable = { readonly content: Decoded<readonly LogFact[]> };

/**
 * The beginnings of Postgres' codes for what the rows themselves cause: data exception, missing value, limit exceeded.
 * Not every violated constraint: while a partition of the archive is attached, a sound row may violate its bounds.
 */
const FAULT_CODES = ["22", "23502", "54"];

/** Returns what the last call of `project` returned, and calls it no more once it has returned false. */
export async function isolatePoison<Message extends Decodable>(
  messages: readonly Message[],
  project: (messages: readonly Message[]) => Promise<boolean>,
): Promise<boolean> {
  try {
    return await project(messages);
  } catch (error) {
    if (!isFaultOfMessages(error)) throw error;
    if (messages.length === 1) return await project(messages.map((message) => setAside(message, error)));
    for (const message of messages) {
      if (!(await isolatePoison([message], project))) return false;
    }
    return true;
  }
}

/** A RangeError comes from encoding a value that its column cannot hold. */
function isFaultOfMessages(error: unknown): error is Error {
  const sqlState = sqlStateOf(error);
  return error instanceof RangeError || FAULT_CODES.some((code) => sqlState?.startsWith(code) === true);
}

function setAside<Message extends Decodable>(message: Message, error: Error): Message {
  return { ...message, content: { kind: "undecodable", reason: `not projectable: ${error.message}` } };
}
