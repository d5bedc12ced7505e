/**
 * One work item of a delivery at a time. A broker that forgot, or that lost sight of us for a while, hands a copy of
 * what is in hand to us again: the copy waits, because the fence cannot know an outcome that is not in the log yet.
 */

import type { DeliveryId } from "@posthorn/domain";

/** What an item that waits for this one has to be told. */
type Turn = { next: (() => void) | undefined };

export class DeliveriesInHand {
  /** The last items begun or waiting. */
  readonly #last = new Map<DeliveryId, Turn>();

  /** @param work told whether it had to wait for another item of its delivery. What comes of it is passed on. */
  async run<Result>(delivery: DeliveryId, work: (hadToWait: boolean) => Promise<Result>): Promise<Result> {
    const before = this.#last.get(delivery);
    const turn: Turn = { next: undefined };
    this.#last.set(delivery, turn);
    if (before !== undefined) {
      await new Promise<void>((resolve) => {
        before.next = resolve;
      });
    }
    try {
      return await work(before !== undefined);
    } finally {
      if (turn.next !== undefined) turn.next();
      else this.#last.delete(delivery);
    }
  }
}
