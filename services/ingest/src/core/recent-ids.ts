/**
 * The ids of recently accepted events by their dedupe key, so that a repeat of the last minutes needs no round trip.
 * It forgets the least recently used beyond its bound, and whatever is older than the window of the stream itself.
 */

import { type EventId, limits } from "@posthorn/domain";
import type { DedupeKey } from "./dedupe-key.ts";

export type RecentIds = {
  /** The id of the event accepted under this key less than the dedupe window ago. */
  find(key: DedupeKey, nowMs: number): EventId | undefined;
  remember(key: DedupeKey, id: EventId, acceptedAtMs: number): void;
  /** After an outage only the stream knows what it still holds. */
  clear(): void;
};

/** Events of one moment are not accepted in the order of their times; more than this is a clock that was set back. */
const CLOCK_STEP_MS_MAX = 10_000;

type Recent = { readonly id: EventId; readonly acceptedAtMs: number };

export function createRecentIds(countMax: number): RecentIds {
  // A Map keeps its keys in the order of their insertion: the first one is the one not used for longest.
  const recent = new Map<DedupeKey, Recent>();
  return {
    find(key, nowMs) {
      const found = recent.get(key);
      if (found === undefined) return undefined;
      recent.delete(key);
      // A clock that was set back says nothing of how long ago it was: the stream knows.
      const agoMs = nowMs - found.acceptedAtMs;
      if (agoMs < -CLOCK_STEP_MS_MAX || agoMs >= limits.DEDUPE_WINDOW_MS) return undefined;
      recent.set(key, found);
      return found.id;
    },
    remember(key, id, acceptedAtMs) {
      recent.delete(key);
      recent.set(key, { id, acceptedAtMs });
      if (recent.size <= countMax) return;
      const [oldest] = recent.keys();
      if (oldest !== undefined) recent.delete(oldest);
    },
    clear: () => recent.clear(),
  };
}
