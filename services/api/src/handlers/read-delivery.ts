/**
 * Reads a delivery with everything that is known of it: its attempts, what they exchanged, which only the archive
 * holds, and the event that they carried.
 */

import type { AcceptedEvent, DeliveryId, OrgId } from "@posthorn/domain";
import { findExchange } from "../core/find-exchange.ts";
import type { Attempt } from "../core/present-delivery.ts";
import type { Archive } from "../io/archive.ts";
import type { Deliveries, DeliveryDossier, LoggedAttempt } from "../io/deliveries.ts";
import type { ReadPayload } from "../io/payload-reader.ts";

export type ReadDeliveryPorts = {
  readonly deliveries: Pick<Deliveries, "get" | "attemptsOf">;
  readonly archive: Archive;
  readonly readPayload: ReadPayload;
};

export type DeliveryStory = {
  readonly dossier: DeliveryDossier;
  /** In the order of their numbers. */
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
    const payload = await readPayload({ ...dossier, eventId: dossier.delivery.eventId });
    const attempts = await withExchanges(archive, dossier, await deliveries.attemptsOf(dossier));
    if (payload.kind === "unavailable" && attempts.length > 0) return payload;
    return { kind: "found", dossier, attempts, event: payload.kind === "found" ? payload.event : undefined };
  };
}

async function withExchanges(
  archive: Archive,
  dossier: DeliveryDossier,
  logged: readonly LoggedAttempt[],
): Promise<readonly Attempt[]> {
  if (logged.length === 0) return [];
  const { orgId, delivery } = dossier;
  const positions = logged.map(({ position }) => position);
  const messages = await archive.read(positions, delivery.createdAtMs);
  return logged.map(({ attempt, position }) => {
    const events = messages.find((message) => message.position === position)?.events ?? [];
    const exchange = findExchange(events, { ...attempt, orgId, deliveryId: delivery.id });
    return { ...attempt, exchange };
  });
}
