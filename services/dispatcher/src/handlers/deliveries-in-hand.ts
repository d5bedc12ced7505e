/**
 * One work item of a delivery at a time. A broker that forgot, or that lost sight of us for a while, hands a copy of
 * what is in hand to us again: the copy waits, because the fence cannot know an outcome that is not in the log yet.
 */

import type { DeliveryId } from "@posthorn/domain";

export class DeliveriesInHand {
  /** The ends of the last items begun. They never reject. */
  readonly #ends = new Map<DeliveryId, Promise<void>>();

  /** @param work told whether it had to wait for another item of its delivery. Its rejection is passed on. */
  async run(delivery: DeliveryId, work: (hadToWait: boolean) => Promise<void>): Promise<void> {
    const before = this.#ends.get(delivery);
    const done = before === undefined ? work(false) : before.then(() => work(true));
    const end = done.catch(() => undefined);
    this.#ends.set(delivery, end);
    try {
      await done;
    } finally {
      if (this.#ends.get(delivery) === end) this.#ends.delete(delivery);
    }
  }
}
