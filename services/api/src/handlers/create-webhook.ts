/** Creates a webhook. Its secret leaves in this answer; what is kept of it only the signer can open. */

import { parseWebhookId } from "@posthorn/domain";
import { presentWebhook } from "../core/present-webhook.ts";
import { invalid, unavailable } from "../core/problems.ts";
import { applySettings, DEFAULT_SETTINGS } from "../core/webhook-settings.ts";
import type { UrlProblem } from "../io/check-url.ts";
import type { SecretSealer } from "../io/secret-sealer.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { createWebhookRoute } from "../schemas/webhook.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type CreateWebhookPorts = {
  readonly webhooks: Pick<Webhooks, "insert">;
  readonly urlProblem: UrlProblem;
  readonly sealer: Pick<SecretSealer, "seal">;
  readonly chance: Chance;
};

const SECRET_BYTES = 32;

export function createWebhook(ports: CreateWebhookPorts): Handler<typeof createWebhookRoute> {
  const { webhooks, urlProblem, sealer, chance } = ports;
  return async ({ parameters, body }) => {
    const problem = await urlProblem(body.url);
    if (problem !== undefined) return refused(invalid("/url", problem));
    const birth = newBirth(chance, parseWebhookId);
    const secret = body.secret ?? newSecret(chance);
    const sealed = await sealer.seal(parameters.org, birth.id, secret);
    if (sealed.kind === "unavailable") return refused(unavailable("the signer"));
    const webhook = {
      ...birth,
      ...applySettings(body, DEFAULT_SETTINGS),
      orgId: parameters.org,
      url: body.url,
      patterns: body.events,
    };
    await webhooks.insert({ ...webhook, sealedSecret: sealed.ciphertext });
    const created = { ...webhook, hasSecret: true, health: undefined, updatedAtMs: webhook.createdAtMs };
    return done({ ...presentWebhook(created, "whole"), secret });
  };
}

/** As Standard Webhooks writes secrets: the bytes that follow the prefix are the key. */
function newSecret({ randomBytes }: Chance): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
}
