/** Asks for one more attempt of a delivery. The log carries the wish to the scheduler, which releases the attempt. */

import { actorOf } from "../core/actor.ts";
import { presentDelivery } from "../core/present-delivery.ts";
import { ATTEMPT_RUNNING, notFound, PAYLOAD_EXPIRED, unavailable } from "../core/problems.ts";
import { afterRetry, retryEvent, retryRefusal } from "../core/retry-decision.ts";
import type { Deliveries } from "../io/deliveries.ts";
import type { ReadPayload } from "../io/payload-reader.ts";
import type { RecordDecision } from "../io/record-decision.ts";
import type { ReadWebhookStanding } from "../io/webhook-standing.ts";
import { retryDeliveryRoute } from "../schemas/delivery.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type RetryDeliveryPorts = {
  readonly deliveries: Pick<Deliveries, "get">;
  readonly webhookStanding: ReadWebhookStanding;
  readonly readPayload: ReadPayload;
  readonly recordDecision: RecordDecision;
  readonly chance: Pick<Chance, "nowMs">;
};

export function retryDelivery(ports: RetryDeliveryPorts): Handler<typeof retryDeliveryRoute> {
  return async ({ caller, parameters, id: requestId }) => {
    const { org: orgId } = parameters;
    const dossier = await ports.deliveries.get(orgId, parameters.delivery);
    if (dossier === undefined) return refused(notFound("delivery"));
    const { delivery, state, release, acceptedAtMs } = dossier;
    const { id: deliveryId, eventId, webhookId, isTest } = delivery;
    const nowMs = ports.chance.nowMs();
    const webhook = await ports.webhookStanding(orgId, webhookId);
    const refusal = retryRefusal({ state, release, isTest, acceptedAtMs, webhook }, nowMs);
    if (refusal !== undefined) return refused(refusal);
    const payload = await ports.readPayload({ ...dossier, eventId });
    if (payload.kind === "unavailable") return refused(unavailable("NATS"));
    if (payload.kind === "gone") return refused(PAYLOAD_EXPIRED);
    const actor = actorOf(caller);
    const event = retryEvent({ orgId, eventId, deliveryId, webhookId }, actor, state, nowMs);
    if (event === undefined) return refused(ATTEMPT_RUNNING);
    const subject = { subjectKind: "delivery", subjectId: deliveryId, fields: [] } as const;
    const { operation: action } = retryDeliveryRoute;
    await ports.recordDecision([event], { orgId, actor, action, ...subject, requestId });
    return done(presentDelivery(afterRetry(delivery, state, event)));
  };
}
