/** Messages as a stream hands them out. */

import type { Msg } from "@nats-io/nats-core";
import type { LaneName } from "./names.ts";

export type StoredMessage = {
  readonly subject: string;
  readonly data: Uint8Array;
  /** In the stream. */
  readonly sequence: number;
  readonly storedAtMs: number;
};

/** A message that waits for an acknowledgement. */
export type WorkMessage = StoredMessage & {
  readonly partition: number;
  readonly lane: LaneName;
  /** The server may have handed this message out before, or stored it before we last (re)connected. */
  readonly mayBeRepeat: boolean;
  /** Monotonic time at which the lease ends: later than this the message belongs to nobody. */
  readonly leaseEndsAtMs: () => number;
  ack(): void;
  /** Hands the message back, unbegun, if it is still ours; the server gives it out again after the delay. */
  giveBack(delayMs: number): void;
  /** Extends the lease. */
  working(): void;
};

/** A work message as a `WorkSource` hands it out. */
export type TakenMessage = WorkMessage & {
  /** The server handed the message out before, and whoever had it may have begun: they did not hand it back at once. */
  readonly isRedelivered: boolean;
};

/** What the reply subject of a delivered message says. */
export type DeliveryFacts = {
  readonly deliveryCount: number;
  readonly sequence: number;
  readonly consumerSequence: number;
  readonly storedAtMs: number;
  readonly pending: number;
};

/**
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>`; newer servers put a
 * domain and an account hash before the stream and a token at the end.
 */
export function readDeliveryFacts(message: Msg): DeliveryFacts | undefined {
  const tokens = message.reply?.split(".") ?? [];
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK" || tokens.length < 9) return undefined;
  const offset = tokens.length === 9 ? 4 : 6;
  const number = (index: number) => Number(tokens[offset + index]);
  return {
    deliveryCount: number(0),
    sequence: number(1),
    consumerSequence: number(2),
    storedAtMs: Math.floor(number(3) / 1e6),
    pending: number(4),
  };
}
