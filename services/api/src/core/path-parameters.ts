/** The parameters of paths. A text that cannot be an id names nothing, just like an id that nobody gave out. */

import {
  type ApiKeyId,
  type DeliveryId,
  type OrgId,
  parseApiKeyId,
  parseDeliveryId,
  parseOrgId,
  parseWebhookId,
  type WebhookId,
} from "@posthorn/domain";

export type PathParameters = {
  readonly org: OrgId;
  readonly key: ApiKeyId;
  readonly webhook: WebhookId;
  readonly delivery: DeliveryId;
  /** An event's id or its publisher's id for it. */
  readonly event: string;
};

/** Things that a path may name. */
export type Thing = "organisation" | "API key" | "webhook" | "delivery" | "event";

export type ParsedPath =
  | { readonly kind: "parsed"; readonly parameters: Partial<PathParameters> }
  | { readonly kind: "unknown"; readonly thing: Thing };

/** @param texts by the names of `PathParameters`; a path has some of them. */
export function parsePath(texts: { readonly [Name in keyof PathParameters]?: string }): ParsedPath {
  const parameters: { -readonly [Name in keyof PathParameters]?: PathParameters[Name] } = {};
  if (texts.org !== undefined) {
    const org = parseOrgId(texts.org);
    if (org === undefined) return { kind: "unknown", thing: "organisation" };
    parameters.org = org;
  }
  if (texts.key !== undefined) {
    const key = parseApiKeyId(texts.key);
    if (key === undefined) return { kind: "unknown", thing: "API key" };
    parameters.key = key;
  }
  if (texts.webhook !== undefined) {
    const webhook = parseWebhookId(texts.webhook);
    if (webhook === undefined) return { kind: "unknown", thing: "webhook" };
    parameters.webhook = webhook;
  }
  if (texts.delivery !== undefined) {
    const delivery = parseDeliveryId(texts.delivery);
    if (delivery === undefined) return { kind: "unknown", thing: "delivery" };
    parameters.delivery = delivery;
  }
  if (texts.event !== undefined) parameters.event = texts.event;
  return { kind: "parsed", parameters };
}
