/**
 * Puts the work items of a step together into bundles, one message of DELIVER each: the broker pays for a message, not
 * for what is in it. A bundle holds items of one message of INGEST and one organisation only, so that it comes out the
 * same when that message comes again.
 */

import type { WorkItem } from "@posthorn/domain";

export type BundleBounds = {
  readonly itemsMax: number;
  /** Of the payloads, each counted once however many items carry it. */
  readonly payloadBytesMax: number;
};

/** In the order of the items. A payload larger than the bound is alone with those that carry it. */
export function bundleItems(items: readonly WorkItem[], bounds: BundleBounds): readonly (readonly WorkItem[])[] {
  const bundles: WorkItem[][] = [];
  let bundle: WorkItem[] = [];
  let payloadBytes = 0;
  for (const item of items) {
    const before = bundle.at(-1);
    const itsBytes = item.event === before?.event ? 0 : (item.event?.data.length ?? 0);
    const belongs =
      before !== undefined && item.orgId === before.orgId && item.place.sequence === before.place.sequence;
    if (
      !belongs ||
      bundle.length >= bounds.itemsMax ||
      (itsBytes > 0 && payloadBytes + itsBytes > bounds.payloadBytesMax)
    ) {
      bundle = [];
      bundles.push(bundle);
      payloadBytes = item.event?.data.length ?? 0;
    } else {
      payloadBytes += itsBytes;
    }
    bundle.push(item);
  }
  return bundles;
}
