/** Webhooks of Znyx: created, listed, changed, deleted, tested, and given a new secret. */

import { problemOf } from "../../core/webhook-refusal.ts";
import { changedBy } from "../../handlers/audited.ts";
import type { CreatedWebhook } from "../../handlers/create-webhook.ts";
import { done, type Handler, refused } from "../../handlers/handler.ts";
import type { RotatedWebhook, RotationInput } from "../../handlers/rotate-secret.ts";
import type { WebhookActs } from "../../handlers/webhook-acts.ts";
import type { CheckUrl } from "../../io/check-url.ts";
import { unmasked } from "../masked-url.ts";
import { destinationRefusal } from "../mount.ts";
import type { MountedWebhooks } from "../mounted-webhooks.ts";
import { presentZnyxWebhook } from "./present.ts";
import { URL_WORDS, WEBHOOK_NOT_FOUND } from "./refusals.ts";
import { znyxCreate, znyxDelete, type znyxList, znyxRotate, type znyxTest, znyxUpdate } from "./routes.ts";

export type ZnyxPorts = {
  readonly webhooks: Pick<MountedWebhooks, "all" | "get">;
  readonly acts: WebhookActs;
  readonly checkUrl: CheckUrl;
};

const PROFILE = "znyx";

export function listZnyxWebhooks({ webhooks }: ZnyxPorts): Handler<typeof znyxList> {
  return async ({ parameters }) => {
    const all = await webhooks.all(parameters.org);
    return done(all.map((webhook) => presentZnyxWebhook(webhook, "masked")));
  };
}

export function createZnyxWebhook({ acts, checkUrl }: ZnyxPorts): Handler<typeof znyxCreate> {
  return async (request) => {
    const { parameters, body, keep } = request;
    const { url, events, generate_secret: isTold } = body;
    const refusal = await destinationRefusal(checkUrl, url, URL_WORDS);
    if (refusal !== undefined) return refusal;
    const answerOf = ({ webhook, secret }: CreatedWebhook) =>
      done({ ...presentZnyxWebhook(webhook, "whole"), ...(isTold ? { secret } : {}) });
    const terms = { externalId: undefined, secret: isTold ? "shown-once" : "internal" } as const;
    const order = { orgId: parameters.org, input: { url, events, profile: PROFILE }, terms } as const;
    const made = await acts.make(order, changedBy(znyxCreate, request), (created) => keep(answerOf(created)));
    if (made.kind === "created") return answerOf(made);
    if (made.kind === "external-id-taken") throw new Error("a webhook without an external id met another one's");
    return refused(problemOf(made));
  };
}

export function updateZnyxWebhook({ webhooks, acts, checkUrl }: ZnyxPorts): Handler<typeof znyxUpdate> {
  return async (request) => {
    const { parameters, body } = request;
    const { org: orgId, webhook: webhookId } = parameters;
    const before = await webhooks.get(orgId, webhookId);
    if (before === undefined) return WEBHOOK_NOT_FOUND;
    // Null is unchanged here, not the default.
    const url = body.url ? unmasked(body.url, before.url) : undefined;
    const refusal = url === undefined ? undefined : await destinationRefusal(checkUrl, url, URL_WORDS);
    if (refusal !== undefined) return refusal;
    const input = { url, events: body.events ?? undefined, is_active: body.is_active ?? undefined };
    const changed = await acts.change({ orgId, webhookId }, input, changedBy(znyxUpdate, request));
    if (changed.kind === "updated") return done(presentZnyxWebhook(changed.webhook, "whole"));
    return changed.kind === "unknown" ? WEBHOOK_NOT_FOUND : refused(problemOf(changed));
  };
}

export function deleteZnyxWebhook({ webhooks, acts }: ZnyxPorts): Handler<typeof znyxDelete> {
  return async (request) => {
    const { org: orgId, webhook: webhookId } = request.parameters;
    if ((await webhooks.get(orgId, webhookId)) === undefined) return WEBHOOK_NOT_FOUND;
    const removed = await acts.remove({ orgId, webhookId }, changedBy(znyxDelete, request));
    return removed.kind === "removed" ? done(undefined) : WEBHOOK_NOT_FOUND;
  };
}

const TEST_EVENT = { type: "webhook.test", data: { message: "This is a test of your webhook." } };

/** A target that failed is an answer, too: it is what was asked for. */
export function testZnyxWebhook({ webhooks, acts }: ZnyxPorts): Handler<typeof znyxTest> {
  return async ({ parameters }) => {
    const { org: orgId, webhook: webhookId } = parameters;
    if ((await webhooks.get(orgId, webhookId)) === undefined) return WEBHOOK_NOT_FOUND;
    const tested = await acts.test({ orgId, webhookId }, TEST_EVENT);
    if (tested.kind === "invalid") return refused({ status: 400, detail: `Webhook URL ${tested.message}` });
    if (tested.kind === "unknown") return WEBHOOK_NOT_FOUND;
    if (tested.kind !== "tested") return refused(problemOf(tested));
    const { delivery, attempts } = tested;
    return done({
      success: delivery.status === "delivered",
      status_code: delivery.lastStatusCode ?? null,
      error: delivery.errorMessage ?? null,
      duration_ms: attempts.at(-1)?.durationMs ?? null,
      delivery_id: delivery.id,
    });
  };
}

/**
 * Znyx's header holds one signature and its API has no way to say when a receiver knows the new secret, so that the
 * new one makes the header at once. The former one goes on in `webhook-signature` for a day.
 */
const ROTATION: RotationInput = { legacy_signs_with: "new" };

export function rotateZnyxSecret({ webhooks, acts }: ZnyxPorts): Handler<typeof znyxRotate> {
  return async (request) => {
    const { parameters, keep } = request;
    const { org: orgId, webhook: webhookId } = parameters;
    if ((await webhooks.get(orgId, webhookId)) === undefined) return WEBHOOK_NOT_FOUND;
    const answerOf = ({ webhook, secret }: RotatedWebhook) => done({ ...presentZnyxWebhook(webhook, "whole"), secret });
    const by = changedBy(znyxRotate, request);
    const rotated = await acts.rotate({ orgId, webhookId }, ROTATION, by, (result) => keep(answerOf(result)));
    if (rotated.kind === "rotated") return answerOf(rotated);
    return rotated.kind === "unknown" ? WEBHOOK_NOT_FOUND : refused(problemOf(rotated));
  };
}
