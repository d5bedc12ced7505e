/**
 * Releases what is parked, webhook by webhook and oldest first: at the receiver's pace once it takes deliveries again,
 * one at a time while its circuit is open, and at once what only ends.
 */

import { drained } from "../core/drain.ts";
import { nextPace, rowsNow, startPace } from "../core/drain-pace.ts";
import { aliveFromMs, expiredBeforeMs } from "../core/lane-mode.ts";
import { isProbeDue, isTimeForProbe, probeSent, startProbing } from "../core/probe-plan.ts";
import { mayBeRepeatedParked, releasedItem, termsOf, type WaitingDelivery } from "../core/release.ts";
import type { RowVersion } from "../io/delivery-rows.ts";
import { CLAIM_ROWS_MAX } from "../io/due-deliveries.ts";
import type { LaneRows, WantedRows } from "../io/lane-rows.ts";
import type { OpenLane } from "./lane-board.ts";
import { CLAIM_MS, type PublishPorts, publishDeadlineMs, publishReleased, type Released } from "./publish-released.ts";
import { partitionsWithRoom, type UntakenPorts } from "./room-for-retries.ts";

export type LanePorts = PublishPorts &
  UntakenPorts & {
    readonly lanes: LaneRows;
    /** In [0, 1). */
    readonly roll: () => number;
  };

/** Rows of one round, over all webhooks: a round is short, so that none waits long for its turn. */
const ROUND_ROWS_MAX = 2_000;
/** What was not made use of for so long is forgotten. */
const FORGOTTEN_AFTER_MS = 60_000;

type Plan = { readonly open: OpenLane; readonly wanted: WantedRows; readonly kind: "drained" | "probe" | "ended" };

/** @returns how many deliveries it took. */
export async function releaseLanes(ports: LanePorts, lanes: readonly OpenLane[]): Promise<number> {
  const nowMs = ports.nowMs();
  const planned = (await Promise.all(lanes.map((open) => planLane(ports, open, nowMs)))).filter(
    (plan) => plan !== undefined,
  );
  const alive = await withRoom(ports, planned);
  const expired = lanes.flatMap((open) => planExpired(open, nowMs));
  const plans = [...alive, ...expired];
  if (plans.length === 0) return 0;
  const rowsEach = Math.max(1, Math.floor(ROUND_ROWS_MAX / plans.length));
  const planOf = planFinder(alive, expired, nowMs);
  const deadlineAtMs = publishDeadlineMs(ports);
  const wanted = plans.map((plan) => ({ ...plan.wanted, rowsMax: Math.min(plan.wanted.rowsMax, rowsEach) }));
  const claimed = await ports.lanes.claimParked(wanted, nowMs, nowMs + CLAIM_MS);
  for (const [plan, rows] of Map.groupBy(claimed, planOf)) {
    if (plan !== undefined) noteReleased(ports, plan, rows, nowMs);
  }
  await Promise.all(
    [...Map.groupBy(claimed, (waiting) => planOf(waiting)?.kind ?? "drained")].map(([kind, rows]) =>
      publishReleased(ports, kind, releasedOf(ports, rows, planOf), deadlineAtMs),
    ),
  );
  forgetUnused(lanes, nowMs);
  return claimed.length;
}

async function planLane(ports: LanePorts, open: OpenLane, nowMs: number): Promise<Plan | undefined> {
  const { lane, mode } = open;
  const { partition, webhookId } = lane;
  const rows = (kind: Plan["kind"], rowsMax: number, acceptedFromMs?: number) => {
    const wanted = { partition, webhookId, rowsMax, acceptedBeforeMs: undefined, acceptedFromMs };
    return rowsMax === 0 ? undefined : { open, kind, wanted };
  };
  if (mode.kind === "flush") return rows("ended", CLAIM_ROWS_MAX);
  if (mode.kind === "drain") return rows("drained", drainRows(open, nowMs), aliveFromMs(nowMs));
  const isProbe = mode.kind === "probe" && (await isProbeWanted(ports, open, nowMs));
  return isProbe ? rows("probe", 1, aliveFromMs(nowMs)) : undefined;
}

/**
 * What the dispatchers have not taken tells nothing of its receiver yet. A drain that went on would learn too late that
 * its pace is too much, and most of what it releases would come back parked.
 */
async function withRoom(ports: LanePorts, plans: readonly Plan[]): Promise<readonly Plan[]> {
  const partitions = new Set(plans.filter(({ kind }) => kind === "drained").map(({ wanted }) => wanted.partition));
  const roomy = await partitionsWithRoom(ports, [...partitions]);
  return plans.filter(({ kind, wanted }) => kind !== "drained" || roomy.includes(wanted.partition));
}

/** Beside whatever else is released: the expired are the oldest, and would use up every probe, slot and share. */
function planExpired(open: OpenLane, nowMs: number): readonly Plan[] {
  const { partition, webhookId, oldestAcceptedAtMs } = open.lane;
  const acceptedBeforeMs = expiredBeforeMs(nowMs);
  if (open.mode.kind === "flush" || oldestAcceptedAtMs >= acceptedBeforeMs) return [];
  const wanted = { partition, webhookId, rowsMax: CLAIM_ROWS_MAX, acceptedBeforeMs, acceptedFromMs: undefined };
  return [{ open, kind: "ended", wanted }];
}

type PlanOf = (waiting: WaitingDelivery) => Plan | undefined;

function planFinder(alive: readonly Plan[], expired: readonly Plan[], nowMs: number): PlanOf {
  const byWebhook = (plans: readonly Plan[]) => new Map(plans.map((plan) => [plan.wanted.webhookId, plan]));
  const [ofAlive, ofExpired] = [byWebhook(alive), byWebhook(expired)];
  return ({ webhookId, acceptedAtMs }) =>
    (acceptedAtMs < expiredBeforeMs(nowMs) ? ofExpired.get(webhookId) : undefined) ?? ofAlive.get(webhookId);
}

/** The pace is kept with the tenure; what it allows now, at most a page. */
function drainRows({ lane, tenure }: OpenLane, nowMs: number): number {
  const before = tenure.drains.get(lane.webhookId);
  const pace = before?.pace ?? startPace(nowMs, lane.congestedCount);
  const signs = { nowMs, congestedCount: lane.congestedCount, cameBack: 0 };
  const now = { pace: nextPace(pace, signs), lately: before?.lately ?? new Set<string>() };
  tenure.drains.set(lane.webhookId, now);
  return Math.min(CLAIM_ROWS_MAX, rowsNow(now.pace));
}

/** The circuit's plan is begun when it is first seen open. */
export async function isProbeWanted(ports: LanePorts, { lane, tenure }: OpenLane, nowMs: number): Promise<boolean> {
  const { webhookId, circuit } = lane;
  let plan = tenure.probes.get(webhookId);
  if (plan?.generation !== circuit.generation) plan = startProbing(circuit, nowMs, ports.roll());
  if (plan.sent !== undefined && isTimeForProbe(plan, nowMs) && (await ports.lanes.isSettled(plan.sent))) {
    plan = { ...plan, sent: undefined };
  }
  tenure.probes.set(webhookId, plan);
  return isProbeDue(plan, nowMs);
}

export function noteProbe(ports: LanePorts, { lane, tenure }: OpenLane, probe: RowVersion, nowMs: number): void {
  const plan = tenure.probes.get(lane.webhookId) ?? startProbing(lane.circuit, nowMs, ports.roll());
  const { deliveryId, attempt, release } = probe;
  const sent = { deliveryId, attempt, release, sentAtMs: nowMs };
  tenure.probes.set(lane.webhookId, probeSent(plan, lane.circuit, sent, ports.roll()));
}

function noteReleased(ports: LanePorts, { open, kind }: Plan, rows: readonly WaitingDelivery[], nowMs: number): void {
  const { lane, tenure } = open;
  const [first] = rows;
  if (kind === "probe" && first !== undefined) noteProbe(ports, open, first, nowMs);
  const drain = tenure.drains.get(lane.webhookId);
  if (kind !== "drained" || drain === undefined) return;
  const released = rows.map(({ deliveryId }) => deliveryId);
  tenure.drains.set(lane.webhookId, drained(drain, released, lane.congestedCount, nowMs));
}

function releasedOf(ports: LanePorts, rows: readonly WaitingDelivery[], planOf: PlanOf): readonly Released[] {
  return rows.flatMap((waiting) => {
    const plan = planOf(waiting);
    if (plan === undefined) return [];
    const item = releasedItem(waiting, {
      configRevision: ports.configRevision(),
      possibleRepeat: mayBeRepeatedParked(waiting),
      terms: termsOf(waiting.circuit, { isProbe: plan.kind === "probe" }),
    });
    return [{ waiting, item }];
  });
}

/** A circuit's waits last up to five minutes: its plan is kept for as long again. */
function forgetUnused(lanes: readonly OpenLane[], nowMs: number): void {
  for (const { drains, probes } of new Set(lanes.map(({ tenure }) => tenure))) {
    for (const [webhookId, { pace }] of drains) {
      if (nowMs - pace.refilledAtMs > FORGOTTEN_AFTER_MS) drains.delete(webhookId);
    }
    for (const [webhookId, { nextAtMs }] of probes) {
      if (nowMs - nextAtMs > 10 * FORGOTTEN_AFTER_MS) probes.delete(webhookId);
    }
  }
}
