/** Gets a delivery with its attempts; the body, which was the same in every attempt, is rendered anew from the payload. */

import { renderBody } from "@posthorn/domain";
import { presentAttempt, presentDelivery } from "../core/present-delivery.ts";
import { notFound, unavailable } from "../core/problems.ts";
import type { getDeliveryRoute } from "../schemas/delivery.ts";
import { done, type Handler, refused } from "./handler.ts";
import type { DeliveryStory, ReadDelivery } from "./read-delivery.ts";

export function getDelivery(readDelivery: ReadDelivery): Handler<typeof getDeliveryRoute> {
  return async ({ parameters }) => {
    const read = await readDelivery(parameters.org, parameters.delivery);
    if (read.kind === "unknown") return refused(notFound("delivery"));
    if (read.kind === "unavailable") return refused(unavailable("NATS"));
    const body = bodyOf(read);
    return done({
      ...presentDelivery(read.dossier.delivery),
      attempts: read.attempts.map((attempt) => presentAttempt(attempt, body)),
    });
  };
}

/** Undefined when the payload is gone, or could not be said in the profile's format in the first place. */
export function bodyOf({ dossier, event }: DeliveryStory): Uint8Array | undefined {
  if (event === undefined) return undefined;
  const rendered = renderBody(dossier.order, event);
  return rendered.kind === "body" ? rendered.bytes : undefined;
}
