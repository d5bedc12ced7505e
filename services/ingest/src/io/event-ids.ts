/** Makes the ids of accepted events: UUIDv7, so that later events sort later. */

import { type EventId, parseEventId, uuidv7 } from "@posthorn/domain";

/** The random bytes of one UUIDv7. */
const RANDOM_BYTES = 10;
/** One call for random bytes costs about a microsecond whatever its size, so it is made once per so many ids. */
const IDS_PER_FILL = 256;

/** @param fillRandom fills the given bytes with random ones, such as `randomFillSync` of node:crypto. */
export function eventIdSource(fillRandom: (bytes: Uint8Array) => void): (nowMs: number) => EventId {
  const pool = new Uint8Array(RANDOM_BYTES * IDS_PER_FILL);
  let offset = pool.length;
  return (nowMs) => {
    if (offset === pool.length) {
      fillRandom(pool);
      offset = 0;
    }
    const id = parseEventId(uuidv7(nowMs, pool.subarray(offset, offset + RANDOM_BYTES)));
    offset += RANDOM_BYTES;
    if (id === undefined) throw new Error("a new UUIDv7 is not a UUID");
    return id;
  };
}
