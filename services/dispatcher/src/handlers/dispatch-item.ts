/**
 * One message of work, from the moment it is let in to its acknowledgement: a delivery, or an ordered run of them. It is
 * acknowledged when each of them has its event in the log. What fails in here again and again is given up for good.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type DeferReason, type WorkItem, workIdOf } from "@posthorn/domain";
import type { TakenMessage } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { givenUp } from "../core/given-up.ts";
import { type DispatchPorts, deliverItem, type Progress, parkOrEnd, record, type Work } from "./deliver-item.ts";
import { DeliveriesInHand } from "./deliveries-in-hand.ts";
import { RepeatedFailures } from "./repeated-failures.ts";
import type { GatePass } from "./webhook-gates.ts";

export type Taken = { readonly message: TakenMessage; readonly item: WorkItem };

export type DispatchItem = {
  /** Rejects for bugs, and when the log is closed; the message comes again then. */
  run(taken: Taken, pass: GatePass): Promise<void>;
  /** Logs that the work waits for its receiver's sake, or that there is nothing left to wait for. */
  park(taken: Taken, reason: DeferReason): Promise<void>;
};

const NOTHING: readonly WorkItem[] = [];
/** So often may the handling of a message fail in this process. */
const FAILURES_MAX = 3;

/** A clock may be put right meanwhile. */
const SLEEP_MS_MAX = 1_000;

async function itsSlot({ terms }: WorkItem, nowMs: () => number): Promise<void> {
  const fromMs = terms?.slot?.fromMs ?? 0;
  for (let leftMs = fromMs - nowMs(); leftMs > 0; leftMs = fromMs - nowMs()) {
    await sleep(Math.min(leftMs, SLEEP_MS_MAX));
  }
}

export function createDispatchItem(ports: DispatchPorts): DispatchItem {
  const inHand = new DeliveriesInHand();
  const failures = new RepeatedFailures();

  function deliverOrGiveUp(work: Work): Promise<Progress> {
    return deliverItem(ports, work).catch((error) => giveUpInTheEnd(work, error));
  }

  async function giveUpInTheEnd(work: Work, error: unknown): Promise<Progress> {
    const { item, message } = work;
    const id = workIdOf(item.deliveryId, item.attempt, item.release);
    if (failures.count(id) < FAILURES_MAX) throw error;
    ports.events.gaveUp(message.sequence, message.subject, item.deliveryId, error);
    const progress = await record(ports, work, givenUp(item, ports.chance.nowMs()), []);
    failures.forget(id);
    return progress;
  }

  /** One after the other, as long as each is delivered. */
  async function runInOrder({ message, item: first }: Taken, pass: GatePass, isCopy: boolean): Promise<void> {
    const items = [first, ...first.followers];
    let mayBeRepeat = isCopy || message.mayBeRepeat;
    let hasSent = false;
    for (const [at, item] of items.entries()) {
      const deliver = (hadToWait: boolean) => {
        mayBeRepeat ||= hadToWait;
        const mayHaveBeenSent = (message.isRedelivered && !hasSent) || item.mayHaveBeenSent;
        const work = { message, item, rest: items.slice(at + 1), pass, mayHaveBeenSent };
        return deliverOrGiveUp({ ...work, mayBeRepeat: mayBeRepeat || item.possibleRepeat });
      };
      // The first one's turn has come with the run's, and so has its slot.
      if (at > 0) await itsSlot(item, ports.chance.nowMs);
      const progress = at === 0 ? await deliver(false) : await inHand.run(item.deliveryId, deliver);
      if (progress === "unsettled") return;
      crashPoint("dispatcher.run-advanced");
      if (progress === "ended") break;
      hasSent ||= progress === "delivered";
    }
    message.ack();
  }

  async function runAlone({ message, item }: Taken, pass: GatePass, isCopy: boolean): Promise<void> {
    const mayBeRepeat = isCopy || message.mayBeRepeat || item.possibleRepeat;
    const mayHaveBeenSent = message.isRedelivered || item.mayHaveBeenSent;
    const progress = await deliverOrGiveUp({ message, item, rest: NOTHING, pass, mayBeRepeat, mayHaveBeenSent });
    if (progress === "unsettled") return;
    crashPoint("dispatcher.logged");
    message.ack();
    crashPoint("dispatcher.acknowledged");
  }

  async function parkAll({ message, item }: Taken, reason: DeferReason): Promise<void> {
    if (message.leaseEndsAtMs() <= performance.now()) ports.events.handedBack("lease_lost");
    else {
      const mayHaveBeenSent = message.isRedelivered;
      // Of a run that somebody else had, any one may have been under way.
      const rest = item.followers.map((one) => ({ ...one, mayHaveBeenSent: one.mayHaveBeenSent || mayHaveBeenSent }));
      await parkOrEnd(ports, { message, item, rest, mayHaveBeenSent }, reason);
      message.ack();
    }
  }

  return {
    run: (taken, pass) => {
      const run = taken.item.followers.length === 0 ? runAlone : runInOrder;
      return inHand.run(taken.item.deliveryId, (isCopy) => run(taken, pass, isCopy));
    },
    // A copy of what is under way is parked after its outcome, which makes nothing of that: it would be released otherwise.
    park: (taken, reason) => inHand.run(taken.item.deliveryId, () => parkAll(taken, reason)),
  };
}
