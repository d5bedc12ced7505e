import { type DeferReason, type DeliveryId, limits, type WorkItem } from "@posthorn/domain";
import { expect, it } from "vitest";
import { parkedEvents } from "./parking.ts";

const NOW_MS = 1_774_359_420_000;
const item = { deliveryId: "d" as DeliveryId, attempt: 2, release: 3, acceptedAtMs: NOW_MS - 1_000 } as WorkItem;
const horizonMs = item.acceptedAtMs + limits.DELIVERY_HORIZON_MS;

it.each<[DeferReason, number]>([
  ["webhook_inactive", horizonMs],
  ["unsignable", NOW_MS + 300_000],
  ["circuit_open", NOW_MS],
  ["receiver_slow", NOW_MS],
  ["rate_limited", NOW_MS],
  ["ordered", NOW_MS],
])("what waits because of %s may be released from its time on", (reason, notBeforeMs) => {
  expect(parkedEvents(item, reason, false, NOW_MS)).toMatchObject([
    { kind: "delivery.deferred", reason, notBeforeMs, attempt: 2, release: 4, atMs: NOW_MS },
  ]);
});

it("nothing waits past its horizon", () => {
  expect(parkedEvents(item, "unsignable", false, horizonMs - 1)).toMatchObject([{ notBeforeMs: horizonMs }]);
  expect(parkedEvents(item, "receiver_slow", false, horizonMs)).toMatchObject([
    { kind: "delivery.exhausted", attempt: 2 },
  ]);
});

it("remembers that somebody may have sent it, now or before an earlier parking", () => {
  const mark = (one: WorkItem, now: boolean) => parkedEvents(one, "ordered", now, NOW_MS)[0];
  expect(mark({ ...item, mayHaveBeenSent: false }, false)).toMatchObject({ mayHaveBeenSent: false });
  expect(mark({ ...item, mayHaveBeenSent: false }, true)).toMatchObject({ mayHaveBeenSent: true });
  expect(mark({ ...item, mayHaveBeenSent: true }, false)).toMatchObject({ mayHaveBeenSent: true });
});
