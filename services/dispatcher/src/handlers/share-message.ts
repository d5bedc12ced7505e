/**
 * Several items in one message: each has a share of it and answers for itself. The stream gets its answer when the last
 * one has: an acknowledgement, or the whole message back when any of them has to come again. The fence knows the others.
 */

import type { TakenMessage } from "@posthorn/message-bus";

/** Shares in the lease and the marks of the message. A share that never answers leaves the message to its lease. */
export function shareMessage(message: TakenMessage, count: number): readonly TakenMessage[] {
  if (count === 1) return [message];
  let unanswered = count;
  let backAfterMs: number | undefined;
  const ack = () => {
    unanswered -= 1;
    if (unanswered > 0) return;
    if (backAfterMs === undefined) message.ack();
    else message.giveBack(backAfterMs);
  };
  const giveBack = (delayMs: number) => {
    backAfterMs = Math.max(backAfterMs ?? 0, delayMs);
    ack();
  };
  return Array.from({ length: count }, () => ({ ...message, ack, giveBack }));
}
