/**
 * The ids of recently published events by their dedupe key: a repeat of the last minutes is the same event, whatever
 * became of the first. It forgets the least recently used beyond its bound, and whatever is older than the window of
 * the stream itself.
 */

import { type EventId, limits } from "@posthorn/domain";
import type { DedupeKey } from "./dedupe-key.ts";

export type RecentEvent = {
  readonly id: EventId;
  readonly acceptedAtMs: number;
  /** Otherwise only the stream knows whether it holds the event. */
  readonly isStored: boolean;
};

export type RecentIds = {
  /** The event published under this key less than the dedupe window ago. */
  find(key: DedupeKey, nowMs: number): RecentEvent | undefined;
  remember(key: DedupeKey, event: RecentEvent): void;
  /** After an outage only the stream knows what it still holds. */
  doubtAll(): void;
};

/** Events of one moment are not accepted in the order of their times; more than this is a clock that was set back. */
const CLOCK_STEP_MS_MAX = 10_000;

export function createRecentIds(countMax: number): RecentIds {
  // A Map keeps its keys in the order of their insertion: the first one is the one not used for longest.
  const recent = new Map<DedupeKey, { readonly event: RecentEvent; readonly outages: number }>();
  let outages = 0;
  return {
    find(key, nowMs) {
      const found = recent.get(key);
      if (found === undefined) return undefined;
      recent.delete(key);
      // A clock that was set back says nothing of how long ago it was: the stream knows.
      const agoMs = nowMs - found.event.acceptedAtMs;
      if (agoMs < -CLOCK_STEP_MS_MAX || agoMs >= limits.DEDUPE_WINDOW_MS) return undefined;
      recent.set(key, found);
      return { ...found.event, isStored: found.event.isStored && found.outages === outages };
    },
    remember(key, event) {
      recent.delete(key);
      recent.set(key, { event, outages });
      if (recent.size <= countMax) return;
      const [oldest] = recent.keys();
      if (oldest !== undefined) recent.delete(oldest);
    },
    doubtAll() {
      outages += 1;
    },
  };
}
