/** Gets what was logged of a delivery, as the archive holds it, in the order in which it was logged. */

import { logPage, positionsOfPage } from "../core/delivery-log-page.ts";
import { presentLogEvent } from "../core/present-log-event.ts";
import { notFound } from "../core/problems.ts";
import type { Archive } from "../io/archive.ts";
import type { Deliveries } from "../io/deliveries.ts";
import type { getDeliveryLogRoute } from "../schemas/delivery.ts";
import { done, type Handler, refused } from "./handler.ts";

export type GetDeliveryLogPorts = { readonly deliveries: Pick<Deliveries, "get">; readonly archive: Archive };

export function getDeliveryLog({ deliveries, archive }: GetDeliveryLogPorts): Handler<typeof getDeliveryLogRoute> {
  return async ({ parameters, query }) => {
    const dossier = await deliveries.get(parameters.org, parameters.delivery);
    if (dossier === undefined) return refused(notFound("delivery"));
    const { orgId, delivery, acceptedAtMs, logPositions } = dossier;
    const { limit, cursor } = query;
    const positions = positionsOfPage(logPositions, limit, cursor);
    const messages = await archive.read({ orgId, id: delivery.id, acceptedAtMs }, positions);
    const events = messages.flatMap(({ position, events }) =>
      events.map((event, index) => ({ event, position, index })),
    );
    const { entries, nextCursor } = logPage(positions, events, limit, cursor, logPositions.at(-1));
    const items = entries.map(({ event, position }) => presentLogEvent(event, position));
    return done({ items, next_cursor: nextCursor ?? null });
  };
}
