/**
 * Sends a test event to a webhook while its caller waits. The event is kept like any other but matched by nobody; a
 * dispatcher makes the one attempt and logs it, so that history shows the same as the answer.
 */

import {
  type AcceptedEvent,
  deliveryIdOf,
  type OrgId,
  parseEventId,
  profileOf,
  renderBody,
  type WebhookId,
  type WorkItem,
} from "@posthorn/domain";
import { type FoldedDelivery, foldDelivery } from "../core/fold-delivery.ts";
import { presentAttempt, presentDelivery } from "../core/present-delivery.ts";
import type { Webhook } from "../core/present-webhook.ts";
import { invalidField, problemOf, type TestRefusal } from "../core/webhook-refusal.ts";
import type { UrlProblem } from "../io/check-url.ts";
import type { KeepTestEvent } from "../io/test-events.ts";
import type { TestSender } from "../io/test-sender.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { testWebhookRoute } from "../schemas/test-webhook.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type TestWebhookPorts = {
  readonly webhooks: Pick<Webhooks, "get">;
  readonly urlProblem: UrlProblem;
  readonly keepTestEvent: KeepTestEvent;
  readonly testSender: Pick<TestSender, "send">;
  /** Of the trace that the test belongs to. */
  readonly newTraceparent: () => string;
  readonly chance: Chance;
};

export type TestOrder = {
  readonly type?: string | null | undefined;
  /** Any JSON; undefined: a message that says what this is. */
  readonly data?: unknown;
};

export type TestedWebhook = FoldedDelivery & {
  /** Undefined when the data could not be said in the profile's format. */
  readonly body: Uint8Array | undefined;
};

export type TestWebhook = (
  of: { readonly orgId: OrgId; readonly webhookId: WebhookId },
  order: TestOrder,
) => Promise<({ readonly kind: "tested" } & TestedWebhook) | TestRefusal>;

const TYPE_DEFAULT = "test";
const DATA_DEFAULT = { message: "This is a test of your webhook." };

export function webhookTester(ports: TestWebhookPorts): TestWebhook {
  return async ({ orgId, webhookId }, order) => {
    const webhook = await ports.webhooks.get(orgId, webhookId);
    if (webhook === undefined) return { kind: "unknown" };
    const problem = await ports.urlProblem(webhook.url);
    if (problem !== undefined) return invalidField("/url", problem);
    const event = testEvent(webhook, order, ports);
    const kept = await ports.keepTestEvent(event);
    if (kept.kind === "unavailable") return { kind: "nats-unavailable" };
    const item = workItem(webhook, event, kept);
    const timeoutMs = webhook.timeoutMs ?? profileOf(webhook.profile).timeoutMs;
    const sent = await ports.testSender.send(item, { ...event, place: kept.place }, timeoutMs);
    if (sent.kind === "refused") return { kind: sent.refusal === "webhook-deleted" ? "unknown" : sent.refusal };
    if (sent.kind !== "sent") return sent;
    const folded = foldDelivery(sent.events);
    if (folded === undefined) throw new Error("a dispatcher answered a test without its delivery");
    const rendered = renderBody(item, event);
    return { kind: "tested", ...folded, body: rendered.kind === "body" ? rendered.bytes : undefined };
  };
}

export function testWebhook(test: TestWebhook): Handler<typeof testWebhookRoute> {
  return async ({ parameters, body }) => {
    const tested = await test({ orgId: parameters.org, webhookId: parameters.webhook }, body);
    if (tested.kind !== "tested") return refused(problemOf(tested));
    const attempts = tested.attempts.map((attempt) => presentAttempt(attempt, tested.body));
    return done({ ...presentDelivery(tested.delivery), attempts });
  };
}

function testEvent(webhook: Webhook, { type, data = DATA_DEFAULT }: TestOrder, ports: TestWebhookPorts): AcceptedEvent {
  const { id, createdAtMs } = newBirth(ports.chance, parseEventId);
  return {
    id,
    orgId: webhook.orgId,
    type: type ?? TYPE_DEFAULT,
    timestamp: undefined,
    acceptedAtMs: createdAtMs,
    data: Buffer.from(JSON.stringify(data)),
    traceparent: ports.newTraceparent(),
    callerId: undefined,
    forWebhook: webhook.id,
    hops: 0,
  };
}

type Kept = Pick<WorkItem, "place" | "configRevision">;

function workItem(webhook: Webhook, event: AcceptedEvent, { place, configRevision }: Kept): WorkItem {
  const deliveryId = deliveryIdOf(event.id, webhook.id);
  return {
    deliveryId,
    orgId: webhook.orgId,
    webhookId: webhook.id,
    eventId: event.id,
    eventType: event.type,
    acceptedAtMs: event.acceptedAtMs,
    attempt: 1,
    release: 0,
    configRevision,
    profile: webhook.profile,
    possibleRepeat: false,
    place,
    event,
    traceparent: event.traceparent,
    messageId: deliveryId,
    eventTypePrefix: webhook.eventTypePrefix,
    isOnly: true,
    terms: undefined,
    followers: [],
    mayHaveBeenSent: false,
  };
}
