/** Branded ids. They are made only by the parsers and generators here; all are UUID texts in lower case. */

import { hash } from "node:crypto";

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type OrgId = Id<"org">;
export type WebhookId = Id<"webhook">;
export type EventId = Id<"event">;
export type DeliveryId = Id<"delivery">;
export type ApiKeyId = Id<"api-key">;
export type EventTypeId = Id<"event-type">;
export type ReplayId = Id<"replay">;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id in its canonical form, or undefined when the text is no UUID. Upper case is accepted. */
function parseUuid(text: string): string | undefined {
  if (UUID.test(text)) return text;
  const lower = text.toLowerCase();
  return UUID.test(lower) ? lower : undefined;
}

export const parseOrgId = (text: string) => parseUuid(text) as OrgId | undefined;
export const parseWebhookId = (text: string) => parseUuid(text) as WebhookId | undefined;
export const parseEventId = (text: string) => parseUuid(text) as EventId | undefined;
export const parseDeliveryId = (text: string) => parseUuid(text) as DeliveryId | undefined;
export const parseApiKeyId = (text: string) => parseUuid(text) as ApiKeyId | undefined;
export const parseEventTypeId = (text: string) => parseUuid(text) as EventTypeId | undefined;
export const parseReplayId = (text: string) => parseUuid(text) as ReplayId | undefined;

/**
 * UUIDv7 (RFC 9562) from a moment and randomness. Ids made later sort later, at millisecond resolution.
 * @param nowMs Unix time in milliseconds.
 * @param random at least 10 bytes.
 */
export function uuidv7(nowMs: number, random: Uint8Array): string {
  const randomHex = Buffer.from(random.buffer, random.byteOffset, 10).toString("hex");
  return uuidOf(Math.floor(nowMs).toString(16).padStart(12, "0") + randomHex, 7);
}

/** The milliseconds since 1970 that a UUIDv7 carries. */
export function uuidv7TimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The one delivery of an event to a webhook: the same pair always gives the same id. */
export function deliveryIdOf(event: EventId, webhook: WebhookId): DeliveryId {
  return uuidv5(event, webhook) as DeliveryId;
}

/** The one delivery that a replay makes of another: a replay that is continued makes none twice. */
export function replayedDeliveryIdOf(delivery: DeliveryId, replay: ReplayId): DeliveryId {
  return uuidv5(delivery, replay) as DeliveryId;
}

export function uuidv5(namespace: string, name: string): string {
  const input = Buffer.allocUnsafe(16 + Buffer.byteLength(name));
  input.write(namespace.replaceAll("-", ""), "hex");
  input.write(name, 16);
  // As hex, because Node takes 0.2 µs for a digest as text and 0.9 for one as bytes.
  return uuidOf(hash("sha1", input, "hex"), 5);
}

/** Identifies one piece of work: an attempt of a delivery, in the release that the log counts. */
export function workIdOf(delivery: DeliveryId, attempt: number, release: number): string {
  return `${delivery}:${attempt}:${release}`;
}

/** Identifies pieces of work that share a message, by all of them. */
export function workBundleIdOf(workIds: readonly string[]): string {
  return workIds.length === 1 ? (workIds[0] ?? "") : `bundle:${hash("sha1", workIds.join(" "))}`;
}

/** @param hex 32 digits or more; those of version and variant are overwritten. */
function uuidOf(hex: string, version: number): string {
  const variant = "89ab"[Number.parseInt(hex.charAt(16), 16) & 3];
  const [time, middle] = [hex.slice(0, 8), hex.slice(8, 12)];
  return `${time}-${middle}-${version}${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
