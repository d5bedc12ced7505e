/** Keeps the leases of what is in hand while it is worked on. Without a connection they run out, as they should. */

import type { WorkMessage } from "@posthorn/message-bus";

/** Without a sign of life for this long a message goes to another matcher; that is also what a crash costs in time. */
export const LEASE_MS = 10_000;
/** A lease with less than this left is extended. */
const RENEW_BELOW_MS = 6_000;
const CHECK_MS = 1_000;

export class Leases implements Disposable {
  readonly #isConnected: () => boolean;
  readonly #held = new Set<WorkMessage>();
  readonly #timer: NodeJS.Timeout;

  constructor(isConnected: () => boolean) {
    this.#isConnected = isConnected;
    this.#timer = setInterval(() => {
      for (const message of this.#held) this.#renew(message);
    }, CHECK_MS);
  }

  /** False: the lease has run out, and the message belongs to nobody here. */
  hold(message: WorkMessage): boolean {
    if (!isOurs(message)) return false;
    this.#held.add(message);
    this.#renew(message);
    return true;
  }

  release(messages: Iterable<WorkMessage>): void {
    for (const message of messages) this.#held.delete(message);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #renew(message: WorkMessage): void {
    const leftMs = message.leaseEndsAtMs() - performance.now();
    if (leftMs > 0 && leftMs < RENEW_BELOW_MS && this.#isConnected()) message.working();
  }
}

/** Does the lease still run? */
export function isOurs(message: WorkMessage): boolean {
  return message.leaseEndsAtMs() > performance.now();
}
