/**
 * Deletes an event's data: nobody is shown it from now on, and what has not been sent yet is cancelled. Dispatchers
 * learn of it by the configuration, so that also deliveries that this process does not know of are cancelled.
 */

import { actorOf } from "../core/actor.ts";
import { notFound } from "../core/problems.ts";
import type { DeletePayload } from "../io/delete-payload.ts";
import { deletePayloadRoute } from "../schemas/event.ts";
import { type FindEventPorts, findEvent } from "./find-event.ts";
import { done, type Handler, refused } from "./handler.ts";

export type DeletePayloadPorts = FindEventPorts & { readonly deletePayload: DeletePayload };

export function deletePayload(ports: DeletePayloadPorts): Handler<typeof deletePayloadRoute> {
  return async ({ caller, parameters, id: requestId }) => {
    const { org: orgId } = parameters;
    const event = await findEvent(ports, orgId, parameters.event);
    if (event === undefined) return refused(notFound("event"));
    await ports.deletePayload(orgId, event.id, {
      actor: actorOf(caller),
      action: deletePayloadRoute.operation,
      requestId,
    });
    return done(undefined);
  };
}
