/** Deletes a webhook. Its history stays, its secrets do not. */

import { notFound } from "../core/problems.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { deleteWebhookRoute } from "../schemas/webhook.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type DeleteWebhookPorts = {
  readonly webhooks: Pick<Webhooks, "remove">;
  readonly chance: Pick<Chance, "nowMs">;
};

export function deleteWebhook({ webhooks, chance }: DeleteWebhookPorts): Handler<typeof deleteWebhookRoute> {
  return async ({ parameters }) => {
    const wasThere = await webhooks.remove(parameters.org, parameters.webhook, chance.nowMs());
    return wasThere ? done(undefined) : refused(notFound("webhook"));
  };
}
