/** Creates a webhook. Its secret leaves in this answer; what is kept of it only the signer can open. */

import { type OrgId, parseWebhookId, UNKNOWN_HEALTH } from "@posthorn/domain";
import {
  blankWebhook,
  changeWebhook,
  shownContent,
  type WebhookContent,
  type WebhookInput,
} from "../core/change-webhook.ts";
import { presentWebhook, type Webhook } from "../core/present-webhook.ts";
import { invalidField, problemOf, type WebhookRefusal } from "../core/webhook-refusal.ts";
import type { Alongside } from "../io/alongside.ts";
import type { UrlProblem } from "../io/check-url.ts";
import type { SecretSealer } from "../io/secret-sealer.ts";
import { givenOrNewSecret, SECRET_RANDOM_BYTES } from "../io/signing-secret.ts";
import type { Webhooks } from "../io/webhooks.ts";
import { createWebhookRoute } from "../schemas/webhook.ts";
import { audited, type ChangedBy, changedBy, fieldsOf, together } from "./audited.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";
import { sealInput } from "./seal-input.ts";

export type CreateWebhookPorts = {
  readonly webhooks: Pick<Webhooks, "insert">;
  readonly urlProblem: UrlProblem;
  readonly sealer: Pick<SecretSealer, "seal">;
  readonly chance: Chance;
};

/** A webhook as somebody wants it; its fields have been checked one by one, each by its schema. */
export type WebhookOrder = {
  readonly orgId: OrgId;
  readonly input: WebhookInput & {
    readonly url: string;
    readonly events: readonly string[];
    readonly secret?: string | null | undefined;
  };
  readonly terms: WebhookTerms;
};

/** What a request of the native API cannot ask for. */
export type WebhookTerms = {
  /** An id of the creator's own, unique in the organisation. */
  readonly externalId: string | undefined;
  /**
   * `shown-once`: given or made, and never told again. `readable`: it may be asked for again. `internal`: the receiver
   * knows none; one is made all the same, because no request leaves unsigned.
   */
  readonly secret: "shown-once" | "readable" | "internal";
};

const NATIVE_TERMS: WebhookTerms = { externalId: undefined, secret: "shown-once" };

export type CreatedWebhook = { readonly webhook: Webhook; readonly secret: string };

/** @param alongside saved with the webhook or not at all. */
export type MakeWebhook = (
  order: WebhookOrder,
  by: ChangedBy,
  alongside: (created: CreatedWebhook) => Alongside,
) => Promise<({ readonly kind: "created" } & CreatedWebhook) | WebhookRefusal | { readonly kind: "external-id-taken" }>;

export function webhookMaker(ports: CreateWebhookPorts): MakeWebhook {
  const { webhooks, urlProblem, sealer, chance } = ports;
  return async ({ orgId, input, terms }, by, alongside) => {
    const signing = input.signing ?? "hmac";
    const signingSecret = givenOrNewSecret(signing, input.secret, chance.randomBytes(SECRET_RANDOM_BYTES));
    if (signingSecret.kind === "unfit") return invalidField("/secret", signingSecret.message);
    const { secret, publicKey } = signingSecret;
    const problem = await urlProblem(input.url);
    if (problem !== undefined) return invalidField("/url", problem);
    const birth = newBirth(chance, parseWebhookId);
    const owner = { orgId, webhookId: birth.id };
    const sealedInput = await sealInput(sealer, owner, input);
    if (sealedInput.kind === "signer-unavailable") return sealedInput;
    const changed = changeWebhook(input, sealedInput, blankWebhook(signing));
    if (changed.kind === "invalid") return changed;
    const sealed = await sealer.seal(owner, "signing", secret);
    if (sealed.kind === "signer-unavailable") return sealed;
    const hasSecret = terms.secret !== "internal";
    const { externalId } = terms;
    const facts = { ...birth, orgId, signing, publicKey, hasSecret, externalId };
    const created = { webhook: newborn(facts, changed.content), secret };
    const audit = { orgId, subjectKind: "webhook", subjectId: birth.id, fields: fieldsOf(input) } as const;
    const inserted = await webhooks.insert(
      {
        ...facts,
        content: changed.content,
        sealedSecret: sealed.ciphertext,
        isSecretReadable: terms.secret === "readable",
      },
      together(audited(by, audit, chance), alongside(created)),
    );
    return inserted === "inserted" ? { kind: "created", ...created } : { kind: "external-id-taken" };
  };
}

export function createWebhook(make: MakeWebhook): Handler<typeof createWebhookRoute> {
  return async (request) => {
    const { parameters, body, keep } = request;
    const answerOf = ({ webhook, secret }: CreatedWebhook) => done({ ...presentWebhook(webhook, "whole"), secret });
    const order = { orgId: parameters.org, input: body, terms: NATIVE_TERMS };
    const by = changedBy(createWebhookRoute, request);
    const made = await make(order, by, (created) => keep(answerOf(created)));
    if (made.kind === "created") return answerOf(made);
    if (made.kind === "external-id-taken") throw new Error("a webhook without an external id met another one's");
    return refused(problemOf(made));
  };
}

type Facts = Pick<Webhook, "id" | "orgId" | "createdAtMs" | "signing" | "publicKey" | "hasSecret" | "externalId">;

function newborn(facts: Facts, content: WebhookContent): Webhook {
  return { ...facts, ...shownContent(content), health: UNKNOWN_HEALTH, updatedAtMs: facts.createdAtMs };
}
