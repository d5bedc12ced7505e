/**
 * Gets a delivery with its attempts. What was exchanged comes from the archive; the body, which was the same in every
 * attempt, is rendered anew from the event's payload.
 */

import { renderBody } from "@posthorn/domain";
import { findExchange } from "../core/find-exchange.ts";
import { presentAttempt, presentDelivery } from "../core/present-delivery.ts";
import { notFound, unavailable } from "../core/problems.ts";
import type { Archive } from "../io/archive.ts";
import type { Deliveries, DeliveryDossier, LoggedAttempt } from "../io/deliveries.ts";
import type { Payload, ReadPayload } from "../io/payload-reader.ts";
import type { getDeliveryRoute } from "../schemas/delivery.ts";
import { done, type Handler, refused } from "./handler.ts";

export type GetDeliveryPorts = {
  readonly deliveries: Pick<Deliveries, "get" | "attemptsOf">;
  readonly archive: Archive;
  readonly readPayload: ReadPayload;
};

export function getDelivery(ports: GetDeliveryPorts): Handler<typeof getDeliveryRoute> {
  return async ({ parameters }) => {
    const dossier = await ports.deliveries.get(parameters.org, parameters.delivery);
    if (dossier === undefined) return refused(notFound("delivery"));
    const logged = await ports.deliveries.attemptsOf(dossier);
    if (logged.length === 0) return done({ ...presentDelivery(dossier.delivery), attempts: [] });
    const payload = await ports.readPayload({ ...dossier, eventId: dossier.delivery.eventId });
    if (payload.kind === "unavailable") return refused(unavailable("NATS"));
    const body = bodyOf(dossier, payload);
    const attempts = await withExchanges(ports.archive, dossier, logged);
    return done({
      ...presentDelivery(dossier.delivery),
      attempts: attempts.map((attempt) => presentAttempt(attempt, body)),
    });
  };
}

async function withExchanges(archive: Archive, dossier: DeliveryDossier, logged: readonly LoggedAttempt[]) {
  const { orgId, delivery } = dossier;
  const positions = logged.map(({ position }) => position);
  const messages = await archive.read(positions, delivery.createdAtMs);
  return logged.map(({ attempt, position }) => {
    const events = messages.find((message) => message.position === position)?.events ?? [];
    const exchange = findExchange(events, { ...attempt, orgId, deliveryId: delivery.id });
    return { ...attempt, exchange };
  });
}

/** Undefined when the payload is gone, or could not be said in the profile's format in the first place. */
function bodyOf({ profile, delivery }: DeliveryDossier, payload: Payload): Uint8Array | undefined {
  if (payload.kind !== "found") return undefined;
  const rendered = renderBody(profile, payload.event, delivery.id);
  return rendered.kind === "body" ? rendered.bytes : undefined;
}
