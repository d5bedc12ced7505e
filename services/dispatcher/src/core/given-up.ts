/** The end of a delivery that this process fails to handle, however often it comes. */

import type { DeliveryCommand, WorkItem } from "@posthorn/domain";
import { type Exchange, outcomeOf, recordOf } from "./record-exchange.ts";

/** Says nothing of what failed: the operator's log does. */
const MESSAGE = "Posthorn failed to handle this delivery";

export function givenUp(item: WorkItem, nowMs: number): DeliveryCommand {
  const exchange: Exchange = {
    attempt: item.attempt,
    url: "",
    requestHeaders: [],
    startedAtMs: nowMs,
    durationMs: 0,
    dispatcher: "",
    // It may have failed after its request.
    possibleRepeat: true,
    isTest: false,
    result: { kind: "unrepresentable", reason: MESSAGE },
  };
  const policy = { delaysS: [], jitter: false };
  const { acceptedAtMs } = item;
  return {
    kind: "record-outcome",
    attempt: recordOf(exchange),
    outcome: outcomeOf(exchange),
    policy,
    acceptedAtMs,
    roll: 0,
  };
}
