/** Reads a delivery with everything that is known of it: its attempts, out of the archive, and the event they carried. */

import type { AcceptedEvent, DeliveryId, OrgId } from "@posthorn/domain";
import { attemptsIn } from "../core/archived-attempts.ts";
import type { Attempt } from "../core/present-delivery.ts";
import type { LogPosition } from "../core/present-log-event.ts";
import type { Archive } from "../io/archive.ts";
import type { Deliveries, DeliveryDossier } from "../io/deliveries.ts";
import type { ReadPayload } from "../io/payload-reader.ts";

export type ReadDeliveryPorts = {
  readonly deliveries: Pick<Deliveries, "get">;
  readonly archive: Archive;
  readonly readPayload: ReadPayload;
};

export type DeliveryStory = {
  readonly dossier: DeliveryDossier;
  /** In the order of their numbers; without those that the archive no longer holds. */
  readonly attempts: readonly Attempt[];
  /** Undefined when its payload is gone, or cannot be read and no attempt has carried it yet. */
  readonly event: AcceptedEvent | undefined;
};

export type ReadDelivery = (
  org: OrgId,
  id: DeliveryId,
) => Promise<
  ({ readonly kind: "found" } & DeliveryStory) | { readonly kind: "unknown" } | { readonly kind: "unavailable" }
>;

export function deliveryReader({ deliveries, archive, readPayload }: ReadDeliveryPorts): ReadDelivery {
  return async (org, id) => {
    const dossier = await deliveries.get(org, id);
    if (dossier === undefined) return { kind: "unknown" };
    const [payload, attempts] = await Promise.all([
      readPayload({ ...dossier, eventId: dossier.delivery.eventId }),
      attemptsOf(archive, dossier),
    ]);
    if (payload.kind === "unavailable" && dossier.delivery.attemptCount > 0) return payload;
    return { kind: "found", dossier, attempts, event: payload.kind === "found" ? payload.event : undefined };
  };
}

/**
 * A message is projected as a whole: what those of a row's log tell of is what the row tells of, and no attempt more. The
 * first one is left out if that can be: most often it tells of some hundred creations, and of no attempt.
 */
async function attemptsOf(archive: Archive, dossier: DeliveryDossier): Promise<readonly Attempt[]> {
  const { orgId, delivery, acceptedAtMs } = dossier;
  if (delivery.attemptCount === 0) return [];
  const eventsAt = async (positions: readonly LogPosition[]) => {
    const messages = await archive.read({ orgId, id: delivery.id, acceptedAtMs }, positions);
    return messages.flatMap(({ events }) => events);
  };
  const later = await eventsAt(dossier.logPositions.slice(1));
  const attempts = attemptsIn(later);
  const hasBegunOtherwise = later.some(({ kind }) => kind === "delivery.created");
  if (attempts.length === delivery.attemptCount && !hasBegunOtherwise) return attempts;
  return attemptsIn([...(await eventsAt(dossier.logPositions.slice(0, 1))), ...later]);
}
