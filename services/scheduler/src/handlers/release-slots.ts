/** Releases the deliveries of rate-limited webhooks, oldest first, each into a slot of its own. */

import { aliveFromMs } from "../core/lane-mode.ts";
import { mayBeRepeatedParked, releasedItem, termsOf } from "../core/release.ts";
import { freeSlots, HANDOVER_MS, takeSlots } from "../core/slots.ts";
import { CLAIM_ROWS_MAX } from "../io/due-deliveries.ts";
import type { LaneRows } from "../io/lane-rows.ts";
import type { OpenLane } from "./lane-board.ts";
import { CLAIM_MS, type PublishPorts, publishReleased, type Released } from "./publish-released.ts";
import type { Tenure } from "./tenure.ts";

export type SlotPorts = PublishPorts & { readonly lanes: LaneRows };
export type SlotLane = OpenLane<Extract<OpenLane["mode"], { kind: "slots" }>>;

/** Slots pass: what is not stored by then would come too late. */
const PUBLISH_MS_MAX = 2_000;

/** @returns how many deliveries it released. */
export async function releaseIntoSlots(ports: SlotPorts, lanes: readonly SlotLane[]): Promise<number> {
  const nowMs = ports.nowMs();
  const free = lanes
    .map((open) => ({ open, ...freeSlotsOf(ports, open.tenure, open.lane.webhookId, open.mode.ratePerS, nowMs) }))
    .filter(({ count }) => count > 0);
  if (free.length === 0) return 0;
  const wanted = free.map(({ open: { lane }, count }) => ({
    partition: lane.partition,
    webhookId: lane.webhookId,
    rowsMax: Math.min(count, CLAIM_ROWS_MAX),
    acceptedBeforeMs: undefined,
    acceptedFromMs: aliveFromMs(nowMs),
  }));
  const deadlineAtMs = ports.monotonicMs() + PUBLISH_MS_MAX;
  const claimed = await ports.lanes.claimParked(wanted, nowMs, nowMs + CLAIM_MS);
  const byWebhook = Map.groupBy(claimed, ({ webhookId }) => webhookId);
  const released = free.flatMap(({ open, firstMs }): readonly Released[] => {
    const { lane, tenure, mode } = open;
    const rows = byWebhook.get(lane.webhookId) ?? [];
    if (rows.length === 0) return [];
    const { slots, nextMs } = takeSlots(mode.ratePerS, firstMs, rows.length);
    tenure.slots.set(lane.webhookId, nextMs);
    return rows.map((waiting, index) => {
      const item = releasedItem(waiting, {
        configRevision: ports.configRevision(),
        possibleRepeat: mayBeRepeatedParked(waiting),
        terms: termsOf(waiting.circuit, { slot: slots[index] }),
      });
      return { waiting, item };
    });
  });
  await publishReleased(ports, "slot", released, deadlineAtMs);
  forgetPast(lanes, nowMs);
  return released.length;
}

/** @param aheadMs see `SlotRange`. */
export function freeSlotsOf(
  ports: Pick<PublishPorts, "monotonicMs">,
  tenure: Tenure,
  webhookId: OpenLane["lane"]["webhookId"],
  ratePerS: number,
  nowMs: number,
  aheadMs = 0,
): { readonly firstMs: number; readonly count: number } {
  const ownedForMs = ports.monotonicMs() - tenure.gainedAtMs;
  const notBeforeMs = nowMs + HANDOVER_MS - ownedForMs;
  return freeSlots(ratePerS, { nextMs: tenure.slots.get(webhookId), nowMs, notBeforeMs, aheadMs });
}

/** Slots that have passed bind nobody. */
function forgetPast(lanes: readonly SlotLane[], nowMs: number): void {
  for (const { slots } of new Set(lanes.map(({ tenure }) => tenure))) {
    for (const [webhookId, nextMs] of slots) {
      if (nextMs + HANDOVER_MS < nowMs) slots.delete(webhookId);
    }
  }
}
