/**
 * Which lane of its partition a bundle of work goes to. While little waits in the main lane, everything goes there.
 * When it is crowded, an organisation that holds a good part of it gets what follows put into the backlog lane, until
 * little has waited there for a while: its own work waits there, and nobody else's behind it.
 */

import { limits, type OrgId } from "@posthorn/domain";

export type Lane = "main" | "backlog";

/** Bundles of a partition that dispatchers have not acknowledged. */
export type Unfinished = Readonly<Record<Lane, number>>;

/**
 * Work items. A batch request fits into the main lane, and the main lane into what a dispatcher lets one webhook have in
 * its waiting room (2,700): its door does not shut for what was put here before the choice was made.
 */
export const CROWDED_FROM = limits.BATCH_EVENTS_MAX + 256;
/** Of the items in a crowded main lane. Who holds less is not what crowds it, or is one of several. */
const CROWDING_SHARE = 1 / 4;
/** An organisation comes back from the backlog lane when little has waited there for so long. */
export const CALM_MS_MIN = 5_000;
/** Items that are little. */
export const CALM_ITEMS_MAX = 128;
/** The stream is asked after so many items, so that it costs nothing when nothing happens. */
export const LOOK_AFTER_ITEMS = 128;
/** While somebody is in the backlog lane it is asked after this time too, for a single item. */
const LOOK_AFTER_MS = 250;
/** It is asked no sooner again, however many items there are. */
const LOOK_EVERY_MS_MIN = 20;

/** Of one partition. */
export class LaneChoice {
  /** Items that this process has put into the main lane and that may wait there still. */
  readonly #waiting = new Map<OrgId, number>();
  #waitingInAll = 0;
  /** In the main lane when the stream was last asked, by whoever put there. */
  #unfinished = 0;
  /** Put into the main lane since then. */
  #added = 0;
  /** Of either lane, since then. */
  #sinceLook = { items: 0, bundles: 0 };
  #itemsPerBundle = 1;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #calmSinceMs: number | undefined;
  readonly #crowding = new Set<OrgId>();

  laneFor(orgId: OrgId, items: number): Lane {
    this.#sinceLook.items += items;
    this.#sinceLook.bundles += 1;
    if (this.#isCrowding(orgId)) return "backlog";
    this.#waiting.set(orgId, (this.#waiting.get(orgId) ?? 0) + items);
    this.#waitingInAll += items;
    this.#added += items;
    return "main";
  }

  isLookDue(nowMs: number): boolean {
    const quietMs = nowMs - this.#lookedAtMs;
    if (this.#sinceLook.items >= LOOK_AFTER_ITEMS) return quietMs >= LOOK_EVERY_MS_MIN;
    return this.#crowding.size > 0 && this.#sinceLook.items > 0 && quietMs >= LOOK_AFTER_MS;
  }

  /** The stream is being asked. @returns to be told its answer; what is put there meanwhile counts on top of that. */
  beginLook(nowMs: number): (unfinished: Unfinished) => void {
    const added = this.#added;
    const { items, bundles } = this.#sinceLook;
    if (bundles > 0) this.#itemsPerBundle = items / bundles;
    this.#sinceLook = { items: 0, bundles: 0 };
    this.#lookedAtMs = nowMs;
    return (unfinished) => {
      this.#added -= added;
      this.#unfinished = unfinished.main * this.#itemsPerBundle;
      this.#forgetFinished();
      const isCalm = unfinished.backlog * this.#itemsPerBundle <= CALM_ITEMS_MAX;
      this.#calmSinceMs = isCalm ? (this.#calmSinceMs ?? nowMs) : undefined;
      if (this.#calmSinceMs !== undefined && nowMs - this.#calmSinceMs >= CALM_MS_MIN) this.#crowding.clear();
    };
  }

  #isCrowding(orgId: OrgId): boolean {
    if (this.#crowding.has(orgId)) return true;
    const all = this.#unfinished + this.#added;
    if (all < CROWDED_FROM || (this.#waiting.get(orgId) ?? 0) < all * CROWDING_SHARE) return false;
    this.#waiting.delete(orgId);
    this.#crowding.add(orgId);
    this.#calmSinceMs = undefined;
    return true;
  }

  /** The lane is a queue: what was finished was everybody's in the same measure. Less than half an item is none. */
  #forgetFinished(): void {
    const left = Math.min(this.#waitingInAll, this.#unfinished + this.#added);
    const share = this.#waitingInAll === 0 ? 0 : left / this.#waitingInAll;
    for (const [orgId, items] of this.#waiting) {
      if (items * share < 0.5) this.#waiting.delete(orgId);
      else if (share < 1) this.#waiting.set(orgId, items * share);
    }
    this.#waitingInAll = left;
  }
}
