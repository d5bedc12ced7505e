/** How large a message of INGEST may be, given what the server takes. */

import { limits } from "@posthorn/domain";

/** Share of the server's largest message that one of ours may fill; headers have the rest. */
const MESSAGE_SHARE = 3 / 4;
/** The largest event in a message: its data, and its texts and framing. */
const EVENT_BYTES_MAX = limits.EVENT_DATA_BYTES_MAX + 1_024;

/** @param maxPayload the server's `max_payload`, in bytes. */
export function messageBytesMax(maxPayload: number): number {
  return Math.floor(maxPayload * MESSAGE_SHARE);
}

/** Why this server cannot hold every event that may be accepted; undefined when it can. */
export function maxPayloadProblem(maxPayload: number): string | undefined {
  if (messageBytesMax(maxPayload) >= EVENT_BYTES_MAX) return undefined;
  const needed = Math.ceil(EVENT_BYTES_MAX / MESSAGE_SHARE);
  return `the NATS server's max_payload is ${maxPayload} bytes; the largest event needs at least ${needed}`;
}
