/** Answers of the JetStream API where "not found" is an answer, not an error. */

import { JetStreamApiError } from "@nats-io/jetstream";

export async function orNothing<Value>(request: Promise<Value | null>): Promise<Value | undefined> {
  try {
    return (await request) ?? undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.status === 404;
}
