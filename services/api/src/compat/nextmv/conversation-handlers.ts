/** Conversations of Nextmv: what was sent to an endpoint and what it answered, one per attempt. */

import { unavailable } from "../../core/problems.ts";
import { bodyOf } from "../../handlers/get-delivery.ts";
import { done, type Handler, refused } from "../../handlers/handler.ts";
import type { ReadDelivery } from "../../handlers/read-delivery.ts";
import type { WebhookActs } from "../../handlers/webhook-acts.ts";
import { NO_ORGANISATION, organisationOf } from "../mount.ts";
import type { MountedDeliveries } from "../mounted-deliveries.ts";
import { type FindWebhookPorts, findWebhook, WEBHOOK_NOT_FOUND } from "./find-webhook.ts";
import { presentConversation } from "./present.ts";
import { CONVERSATION_NOT_FOUND, refusalOf } from "./refusals.ts";
import { NEXTMV_EVENT, type nextmvConversation, type nextmvConversations, type nextmvTrigger } from "./routes.ts";

export type NextmvConversationPorts = FindWebhookPorts & {
  readonly mountedDeliveries: MountedDeliveries;
  readonly readDelivery: ReadDelivery;
  readonly acts: Pick<WebhookActs, "test">;
};

/** An endpoint that failed is an answer, too: the conversation says how. */
export function triggerNextmvWebhook(ports: NextmvConversationPorts): Handler<typeof nextmvTrigger> {
  return async ({ caller, parameters, body }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const webhook = await findWebhook(ports, orgId, parameters.externalId);
    if (webhook === undefined) return WEBHOOK_NOT_FOUND;
    const tested = await ports.acts.test({ orgId, webhookId: webhook.id }, { type: NEXTMV_EVENT, data: body.data });
    if (tested.kind !== "tested") return refusalOf(tested);
    const attempt = tested.attempts.at(-1);
    if (attempt === undefined) throw new Error("a test of a profile that can say everything has no attempt");
    return done(presentConversation(webhook, tested.delivery, attempt, tested.body));
  };
}

export function listConversations(ports: NextmvConversationPorts): Handler<typeof nextmvConversations> {
  return async ({ caller, parameters, query }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const webhook = await findWebhook(ports, orgId, parameters.externalId);
    if (webhook === undefined) return WEBHOOK_NOT_FOUND;
    const { skip, limit } = query;
    const listed = await ports.mountedDeliveries.list({ orgId, webhookId: webhook.id }, {}, { skip, limit });
    if (listed.kind === "unavailable") return refused(unavailable("NATS"));
    const told = listed.stories.flatMap((story) => story.attempts.map((attempt) => ({ story, attempt })));
    const newestFirst = told.toSorted((one, other) => other.attempt.startedAtMs - one.attempt.startedAtMs);
    return done(
      newestFirst.map(({ story, attempt }) =>
        presentConversation(webhook, story.dossier.delivery, attempt, bodyOf(story)),
      ),
    );
  };
}

export function getConversation(ports: NextmvConversationPorts): Handler<typeof nextmvConversation> {
  return async ({ caller, parameters }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const webhook = await findWebhook(ports, orgId, parameters.externalId);
    if (webhook === undefined) return WEBHOOK_NOT_FOUND;
    const { deliveryId, number } = parameters.attempt;
    const read = await ports.readDelivery(orgId, deliveryId);
    if (read.kind === "unavailable") return refused(unavailable("NATS"));
    if (read.kind === "unknown" || read.dossier.delivery.webhookId !== webhook.id) return CONVERSATION_NOT_FOUND;
    const attempt = read.attempts.find((one) => one.number === number);
    if (attempt === undefined) return CONVERSATION_NOT_FOUND;
    return done(presentConversation(webhook, read.dossier.delivery, attempt, bodyOf(read)));
  };
}
