/** Gets everything that was logged of a delivery, as the archive holds it. */

import { presentLogEvent } from "../core/present-log-event.ts";
import { notFound } from "../core/problems.ts";
import type { Archive } from "../io/archive.ts";
import type { Deliveries } from "../io/deliveries.ts";
import type { getDeliveryLogRoute } from "../schemas/delivery.ts";
import { done, type Handler, refused } from "./handler.ts";

export type GetDeliveryLogPorts = { readonly deliveries: Pick<Deliveries, "get">; readonly archive: Archive };

export function getDeliveryLog({ deliveries, archive }: GetDeliveryLogPorts): Handler<typeof getDeliveryLogRoute> {
  return async ({ parameters }) => {
    const dossier = await deliveries.get(parameters.org, parameters.delivery);
    if (dossier === undefined) return refused(notFound("delivery"));
    const { orgId, delivery, logPositions } = dossier;
    const messages = await archive.read(logPositions, delivery.createdAtMs);
    const items = messages.flatMap(({ position, events }) =>
      events
        .filter((event) => event.orgId === orgId && "deliveryId" in event && event.deliveryId === delivery.id)
        .map((event) => presentLogEvent(event, position)),
    );
    return done({ items, next_cursor: null });
  };
}
