/** Gets a webhook. The query of its URL, often a token, is shown to those who could change it. */

import { isPermitted } from "../core/caller.ts";
import { presentWebhook } from "../core/present-webhook.ts";
import { notFound } from "../core/problems.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { getWebhookRoute } from "../schemas/webhook.ts";
import { done, type Handler, refused } from "./handler.ts";

export type GetWebhookPorts = { readonly webhooks: Pick<Webhooks, "get"> };

export function getWebhook({ webhooks }: GetWebhookPorts): Handler<typeof getWebhookRoute> {
  return async ({ caller, parameters }) => {
    const webhook = await webhooks.get(parameters.org, parameters.webhook);
    if (webhook === undefined) return refused(notFound("webhook"));
    return done(presentWebhook(webhook, isPermitted(caller, "configure") ? "whole" : "masked"));
  };
}
