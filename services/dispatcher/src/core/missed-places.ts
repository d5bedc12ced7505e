/**
 * Places at which a stream did not have what should stand there. Of a cluster, a copy that lags or a server that has just
 * begun to lead may say so of what is stored: a miss is believed when it has been one for a while.
 */

import type { PayloadPlace } from "@posthorn/domain";

/** Some elections of a leader, and the time that a frozen server is given. */
export const BELIEVED_AFTER_MS = 30_000;
/** Remembered at once; of more, the longest known is forgotten and has to be missed anew. */
const PLACES_MAX = 10_000;

export class MissedPlaces {
  readonly #sinceMs = new Map<string, number>();

  /** @param nowMs monotonic. @returns whether it has been missed for so long that it is gone. */
  miss({ epochMs, sequence }: PayloadPlace, nowMs: number): boolean {
    const key = `${epochMs}.${sequence}`;
    const sinceMs = this.#sinceMs.get(key);
    if (sinceMs !== undefined) return nowMs - sinceMs >= BELIEVED_AFTER_MS;
    const [oldest] = this.#sinceMs.keys();
    if (oldest !== undefined && this.#sinceMs.size >= PLACES_MAX) this.#sinceMs.delete(oldest);
    this.#sinceMs.set(key, nowMs);
    return false;
  }

  found({ epochMs, sequence }: PayloadPlace): void {
    if (this.#sinceMs.size > 0) this.#sinceMs.delete(`${epochMs}.${sequence}`);
  }
}
