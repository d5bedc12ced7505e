/** One attempt to make: what the streams DELIVER and RETRY carry. */

import type { AcceptedEvent, PayloadPlace } from "../events/event.ts";
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
};
