/** Lists an organisation's webhooks, with the queries of their URLs masked. */

import { presentWebhook } from "../core/present-webhook.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { listWebhooksRoute } from "../schemas/webhook.ts";
import { done, type Handler } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export type ListWebhooksPorts = { readonly webhooks: Pick<Webhooks, "list"> };

export function listWebhooks({ webhooks }: ListWebhooksPorts): Handler<typeof listWebhooksRoute> {
  return async ({ parameters, query }) => {
    const page = await webhooks.list(parameters.org, query);
    return done(presentPage(page, (webhook) => presentWebhook(webhook, "masked")));
  };
}
