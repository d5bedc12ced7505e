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
  run<Result>(delivery: DeliveryId, work: (hadToWait: boolean) => Promise<Result>): Promise<Result> {
    const before = this.#last.get(delivery);
    const turn: Turn = { next: undefined };
    this.#last.set(delivery, turn);
    const result = before === undefined ? work(false) : endOf(before).then(() => work(true));
    const pass = () => this.#pass(delivery, turn);
    result.then(pass, pass);
    return result;
  }

  #pass(delivery: DeliveryId, { next }: Turn): void {
    if (next !== undefined) next();
    else this.#last.delete(delivery);
  }
}

function endOf(turn: Turn): Promise<void> {
  return new Promise((resolve) => {
    turn.next = resolve;
  });
}
