/** Webhooks of Nextmv: created, listed, read, replaced, deleted; and their secrets told. */

import { isPermitted } from "../../core/caller.ts";
import { unavailable } from "../../core/problems.ts";
import { changedBy } from "../../handlers/audited.ts";
import type { CreatedWebhook } from "../../handlers/create-webhook.ts";
import { done, type Handler, refused } from "../../handlers/handler.ts";
import type { WebhookActs } from "../../handlers/webhook-acts.ts";
import { unmasked } from "../masked-url.ts";
import { NO_ORGANISATION, organisationOf } from "../mount.ts";
import type { MountedWebhooks } from "../mounted-webhooks.ts";
import { findWebhook, WEBHOOK_NOT_FOUND } from "./find-webhook.ts";
import { presentNextmvWebhook } from "./present.ts";
import { ID_DIFFERS, idTaken, refusalOf } from "./refusals.ts";
import {
  nextmvCreate,
  nextmvDelete,
  type nextmvGet,
  type nextmvList,
  nextmvReplace,
  type nextmvSecret,
} from "./routes.ts";

export type NextmvWebhookPorts = {
  readonly webhooks: Pick<MountedWebhooks, "all" | "get" | "getByExternalId">;
  readonly acts: WebhookActs;
};

const PROFILE = "nextmv";

export function createNextmvWebhook({ acts }: NextmvWebhookPorts): Handler<typeof nextmvCreate> {
  return async (request) => {
    const { caller, body, keep } = request;
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const answerOf = ({ webhook }: CreatedWebhook) => done(presentNextmvWebhook(webhook, "whole"));
    const input = { ...settingsOf(body), profile: PROFILE } as const;
    const order = { orgId, input, terms: { externalId: body.id, secret: "readable" } } as const;
    const made = await acts.make(order, changedBy(nextmvCreate, request), (created) => keep(answerOf(created)));
    if (made.kind === "created") return answerOf(made);
    return made.kind === "external-id-taken" ? idTaken(body.id) : refusalOf(made);
  };
}

export function listNextmvWebhooks({ webhooks }: NextmvWebhookPorts): Handler<typeof nextmvList> {
  return async ({ caller }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const all = await webhooks.all(orgId);
    return done(all.map((webhook) => presentNextmvWebhook(webhook, "masked")));
  };
}

export function getNextmvWebhook(ports: NextmvWebhookPorts): Handler<typeof nextmvGet> {
  return async ({ caller, parameters }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const webhook = await findWebhook(ports, orgId, parameters.externalId);
    if (webhook === undefined) return WEBHOOK_NOT_FOUND;
    return done(presentNextmvWebhook(webhook, isPermitted(caller, "configure") ? "whole" : "masked"));
  };
}

export function replaceNextmvWebhook(ports: NextmvWebhookPorts): Handler<typeof nextmvReplace> {
  return async (request) => {
    const { caller, parameters, body } = request;
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const before = await findWebhook(ports, orgId, parameters.externalId);
    if (before === undefined) return WEBHOOK_NOT_FOUND;
    if (body.id !== undefined && body.id !== parameters.externalId) return ID_DIFFERS;
    const input = {
      ...settingsOf(body),
      url: unmasked(body.endpoint_url, before.url),
      // Nextmv knows no other way to take a webhook back into service that the engine took out of it.
      is_active: before.disabledReason === undefined ? undefined : true,
    };
    const changed = await ports.acts.change({ orgId, webhookId: before.id }, input, changedBy(nextmvReplace, request));
    return changed.kind === "updated" ? done(presentNextmvWebhook(changed.webhook, "whole")) : refusalOf(changed);
  };
}

export function deleteNextmvWebhook(ports: NextmvWebhookPorts): Handler<typeof nextmvDelete> {
  return async (request) => {
    const { caller, parameters } = request;
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const webhook = await findWebhook(ports, orgId, parameters.externalId);
    if (webhook === undefined) return WEBHOOK_NOT_FOUND;
    const removed = await ports.acts.remove({ orgId, webhookId: webhook.id }, changedBy(nextmvDelete, request));
    return removed.kind === "removed" ? done(undefined) : WEBHOOK_NOT_FOUND;
  };
}

/** The secret of what was not created here was shown once, and is not told again: there is none to be found. */
export function getNextmvSecret(ports: NextmvWebhookPorts): Handler<typeof nextmvSecret> {
  return async ({ caller, parameters }) => {
    const orgId = organisationOf(caller);
    if (orgId === undefined) return NO_ORGANISATION;
    const webhook = await findWebhook(ports, orgId, parameters.externalId);
    if (webhook === undefined) return WEBHOOK_NOT_FOUND;
    const revealed = await ports.acts.reveal({ orgId, webhookId: webhook.id });
    if (revealed.kind === "revealed") return done({ secret: revealed.secret });
    return revealed.kind === "unknown" ? NO_READABLE_SECRET : refused(unavailable("the signer"));
  };
}

const NO_READABLE_SECRET = refused({ status: 404, detail: "The webhook's secret was shown when it was made, once." });

type Settings = {
  readonly event_types: readonly string[];
  readonly endpoint_url: string;
  readonly description: string;
};

function settingsOf({ event_types, endpoint_url, description }: Settings) {
  return { url: endpoint_url, events: event_types, description: description === "" ? null : description };
}
