/** Changes a webhook: what is absent stays, null is the default. */

import { presentWebhook } from "../core/present-webhook.ts";
import { invalid, notFound } from "../core/problems.ts";
import { applySettings } from "../core/webhook-settings.ts";
import type { UrlProblem } from "../io/check-url.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { updateWebhookRoute } from "../schemas/webhook.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type UpdateWebhookPorts = {
  readonly webhooks: Pick<Webhooks, "update">;
  readonly urlProblem: UrlProblem;
  readonly chance: Pick<Chance, "nowMs">;
};

export function updateWebhook(ports: UpdateWebhookPorts): Handler<typeof updateWebhookRoute> {
  const { webhooks, urlProblem, chance } = ports;
  return async ({ parameters, body }) => {
    const problem = body.url === undefined ? undefined : await urlProblem(body.url);
    if (problem !== undefined) return refused(invalid("/url", problem));
    const webhook = await webhooks.update(
      parameters.org,
      parameters.webhook,
      (before) => ({
        ...applySettings(body, before),
        url: body.url ?? before.url,
        patterns: body.events ?? before.patterns,
      }),
      chance.nowMs(),
    );
    return webhook === undefined ? refused(notFound("webhook")) : done(presentWebhook(webhook, "whole"));
  };
}
