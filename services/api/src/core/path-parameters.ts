/** The parameters of paths. A text that cannot be an id names nothing, just like an id that nobody gave out. */

import {
  type ApiKeyId,
  type DeliveryId,
  type EventTypeId,
  type OrgId,
  parseApiKeyId,
  parseDeliveryId,
  parseEventTypeId,
  parseOrgId,
  parseReplayId,
  parseWebhookId,
  type ReplayId,
  type WebhookId,
} from "@posthorn/domain";
import { type AttemptName, parseAttemptName } from "./attempt-name.ts";
import { parseExternalId } from "./external-id.ts";

export type PathParameters = {
  readonly org: OrgId;
  readonly key: ApiKeyId;
  readonly webhook: WebhookId;
  readonly delivery: DeliveryId;
  readonly eventType: EventTypeId;
  readonly replay: ReplayId;
  /** An event's id or its publisher's id for it. */
  readonly event: string;
  /** A webhook by the id that its creator chose. */
  readonly externalId: string;
  readonly attempt: AttemptName;
};

/** Things that a path may name. */
export type Thing = "organisation" | "API key" | "webhook" | "delivery" | "attempt" | "event type" | "event" | "replay";

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
  if (texts.eventType !== undefined) {
    const eventType = parseEventTypeId(texts.eventType);
    if (eventType === undefined) return { kind: "unknown", thing: "event type" };
    parameters.eventType = eventType;
  }
  if (texts.replay !== undefined) {
    const replay = parseReplayId(texts.replay);
    if (replay === undefined) return { kind: "unknown", thing: "replay" };
    parameters.replay = replay;
  }
  if (texts.externalId !== undefined) {
    const externalId = parseExternalId(texts.externalId);
    if (externalId === undefined) return { kind: "unknown", thing: "webhook" };
    parameters.externalId = externalId;
  }
  if (texts.attempt !== undefined) {
    const attempt = parseAttemptName(texts.attempt);
    if (attempt === undefined) return { kind: "unknown", thing: "attempt" };
    parameters.attempt = attempt;
  }
  if (texts.event !== undefined) parameters.event = texts.event;
  return { kind: "parsed", parameters };
}
