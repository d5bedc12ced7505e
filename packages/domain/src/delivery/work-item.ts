/** One attempt to make: what the streams DELIVER and RETRY carry. */

import type { AcceptedEvent, PayloadPlace } from "../events/event.ts";
import type { DeliveryId } from "../ids/ids.ts";
import type { ProfileName } from "../profiles/profile.ts";
import type { DeliveryIdentity } from "./decide.ts";

export type WorkItem = DeliveryIdentity & {
  readonly eventType: string;
  readonly acceptedAtMs: number;
  /** From 1. */
  readonly attempt: number;
  /** How often the delivery has been deferred. */
  readonly release: number;
  /** A dispatcher applies at least this revision of the configuration before it decides. */
  readonly configRevision: number;
  readonly profile: ProfileName;
  /** Whoever made the item could not exclude that this attempt was made before. */
  readonly possibleRepeat: boolean;
  readonly place: PayloadPlace;
  /** Undefined: read it from `place`. */
  readonly event: AcceptedEvent | undefined;
  readonly traceparent: string;
  /** What the receiver sees as `webhook-id`: a replay keeps that of its original. */
  readonly messageId: DeliveryId;
  /** See `WebhookConfig`. */
  readonly eventTypePrefix: string;
  /** Nothing follows from this attempt, whatever comes of it. */
  readonly isOnly: boolean;
  /** What the scheduler adds to what it releases; undefined for first attempts. */
  readonly terms: ReleaseTerms | undefined;
  /** Of an ordered webhook: sent after this one, in order, as long as each is delivered. */
  readonly followers: readonly WorkItem[];
  /** Whoever had it in hand before it was parked may have sent it and died: no repeat is silent. */
  readonly mayHaveBeenSent: boolean;
};

export type ReleaseTerms = {
  /** Sent although the webhook's circuit is open: to see whether the receiver is back. */
  readonly isProbe: boolean;
  /** Circuits of the webhook up to this generation are closed. */
  readonly circuitsClosed: number;
  /** A rate-limited request leaves in its slot; one that comes too late waits for another. */
  readonly slot: { readonly fromMs: number; readonly untilMs: number } | undefined;
};
