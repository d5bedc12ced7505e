/** Webhooks of MUTX: created, listed, read, changed, deleted and tested. */

import { isPermitted } from "../../core/caller.ts";
import { problemOf } from "../../core/webhook-refusal.ts";
import { changedBy } from "../../handlers/audited.ts";
import type { CreatedWebhook } from "../../handlers/create-webhook.ts";
import { done, type Handler, type Refused, refused } from "../../handlers/handler.ts";
import type { WebhookActs } from "../../handlers/webhook-acts.ts";
import type { CheckUrl } from "../../io/check-url.ts";
import { unmasked } from "../masked-url.ts";
import { destinationRefusal, NO_ORGANISATION, organisationOf, type UrlWords } from "../mount.ts";
import type { MountedWebhooks } from "../mounted-webhooks.ts";
import type { CloseCircuit } from "./close-circuit.ts";
import { eventNameProblem } from "./event-names.ts";
import { presentMutxWebhook } from "./present.ts";
import { DELIVERY_FAILED_WORDS, WEBHOOK_NOT_FOUND } from "./refusals.ts";
import { mutxCreate, mutxDelete, type mutxGet, type mutxList, type mutxTest, mutxUpdate } from "./routes.ts";

export type MutxWebhookPorts = {
  readonly webhooks: MountedWebhooks;
  readonly acts: WebhookActs;
  readonly checkUrl: CheckUrl;
  readonly closeCircuit: CloseCircuit;
};

const PROFILE = "mutx";

const URL_WORDS: UrlWords = {
  unfit: (_host, message) => `Webhook URL ${message}`,
  "not-public": (host) => `Webhook destination '${host}' resolves to a non-public address`,
  unresolvable: (host) => `Webhook destination '${host}' could not be resolved`,
};

export function createMutxWebhook({ acts, checkUrl }: MutxWebhookPorts): Handler<typeof mutxCreate> {
  return async (request) => {
    const { caller, body, keep } = request;
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const refusal = eventsRefusal(body.events) ?? (await urlRefusal(checkUrl, body.url));
    if (refusal !== undefined) return refusal;
    const { url, events, is_active } = body;
    const input = { url, events, is_active, profile: PROFILE, description: body.name ?? null } as const;
    const terms = { externalId: undefined, secret: body.secret ? "shown-once" : "internal" } as const;
    const order = { orgId, input: { ...input, secret: body.secret ?? undefined }, terms };
    const answerOf = ({ webhook }: CreatedWebhook) => done(presentMutxWebhook(webhook, "whole"));
    const made = await acts.make(order, changedBy(mutxCreate, request), (created) => keep(answerOf(created)));
    if (made.kind === "created") return answerOf(made);
    if (made.kind === "external-id-taken") throw new Error("a webhook without an external id met another one's");
    return refused(problemOf(made));
  };
}

export function listMutxWebhooks({ webhooks }: MutxWebhookPorts): Handler<typeof mutxList> {
  return async ({ caller, query }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const { skip, limit } = query;
    const { rows, total } = await webhooks.list(orgId, { skip, limit });
    const items = rows.map((webhook) => presentMutxWebhook(webhook, "masked"));
    return done({ items, total, skip, limit, has_more: skip + rows.length < total });
  };
}

export function getMutxWebhook({ webhooks }: MutxWebhookPorts): Handler<typeof mutxGet> {
  return async ({ caller, parameters }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const webhook = await webhooks.get(orgId, parameters.webhook);
    if (webhook === undefined) return WEBHOOK_NOT_FOUND;
    return done(presentMutxWebhook(webhook, isPermitted(caller, "configure") ? "whole" : "masked"));
  };
}

export function updateMutxWebhook(ports: MutxWebhookPorts): Handler<typeof mutxUpdate> {
  const { webhooks, acts, checkUrl, closeCircuit } = ports;
  return async (request) => {
    const { caller, parameters, body } = request;
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const before = await webhooks.get(orgId, parameters.webhook);
    if (before === undefined) return WEBHOOK_NOT_FOUND;
    const url = body.url ? unmasked(body.url, before.url) : undefined;
    const refusal = eventsRefusal(body.events ?? []) ?? (url ? await urlRefusal(checkUrl, url) : undefined);
    if (refusal !== undefined) return refusal;
    const by = changedBy(mutxUpdate, request);
    if (body.reset_circuit === true) await closeCircuit(before, by);
    // Null is unchanged here, not the default.
    const input = {
      url,
      events: body.events ?? undefined,
      is_active: body.is_active ?? undefined,
      description: body.name,
    };
    const changed = await acts.change({ orgId, webhookId: before.id }, input, by);
    return changed.kind === "updated"
      ? done(presentMutxWebhook(changed.webhook, "whole"))
      : refused(problemOf(changed));
  };
}

export function deleteMutxWebhook({ webhooks, acts }: MutxWebhookPorts): Handler<typeof mutxDelete> {
  return async (request) => {
    const { caller, parameters } = request;
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    if ((await webhooks.get(orgId, parameters.webhook)) === undefined) return WEBHOOK_NOT_FOUND;
    const removed = await acts.remove({ orgId, webhookId: parameters.webhook }, changedBy(mutxDelete, request));
    return removed.kind === "removed" ? done(undefined) : WEBHOOK_NOT_FOUND;
  };
}

const TEST_EVENT = { type: "test", data: { message: "This is a test webhook from MUTX", event: "test" } };

export function testMutxWebhook({ webhooks, acts }: MutxWebhookPorts): Handler<typeof mutxTest> {
  return async ({ caller, parameters }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    if ((await webhooks.get(orgId, parameters.webhook)) === undefined) return WEBHOOK_NOT_FOUND;
    const tested = await acts.test({ orgId, webhookId: parameters.webhook }, TEST_EVENT);
    if (tested.kind === "invalid") return refused({ status: 400, detail: `Webhook URL ${tested.message}` });
    if (tested.kind !== "tested") return refused(problemOf(tested));
    const { status, errorMessage } = tested.delivery;
    if (status === "delivered") {
      return done({ status: "test_delivered", message: "Test event delivered successfully" });
    }
    return refused({ status: 502, detail: `${DELIVERY_FAILED_WORDS.test}: ${errorMessage ?? "no answer"}` });
  };
}

function eventsRefusal(names: readonly string[]): Refused | undefined {
  const problem = eventNameProblem(names);
  return problem === undefined ? undefined : refused({ status: 400, detail: problem });
}

async function urlRefusal(checkUrl: CheckUrl, url: string): Promise<Refused | undefined> {
  if (/^https?:\/\//i.test(url)) return destinationRefusal(checkUrl, url, URL_WORDS);
  return refused({ status: 400, detail: "URL must start with http:// or https://" });
}
