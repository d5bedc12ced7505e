/** Configuration values, as the KV bucket holds them. */

import {
  type ConfigEntry,
  type ConfigValue,
  parseApiKeyId,
  parseEventId,
  parseEventTypeId,
  parseOrgId,
  parseProfileName,
  parseScope,
  parseWebhookId,
  type WebhookConfig,
} from "@posthorn/domain";
import * as wire from "../gen/posthorn/config/v1/config.ts";
import { asBuffer } from "./event-codec.ts";
import { absentIfEmpty, absentIfZero, type Decoded, decoding, encoding, required } from "./wire.ts";

export function encodeConfigValue(value: ConfigValue, deletedAtMs: number): Uint8Array {
  const entry: wire.ConfigEntry["entry"] =
    value.kind === "deleted" ? { $case: "tombstone", value: { deletedAtMs } } : entryToWire(value.entry);
  return encoding((writer) => wire.ConfigEntry.encode({ version: value.version, entry }, writer));
}

export function decodeConfigValue(bytes: Uint8Array): Decoded<ConfigValue> {
  return decoding(() => {
    const { version, entry } = wire.ConfigEntry.decode(bytes);
    const present = required(entry, "entry");
    return present.$case === "tombstone"
      ? { kind: "deleted", version }
      : { kind: "present", version, entry: entryFromWire(present) };
  });
}

/** The sentinel says that the bucket made at `epochMs` holds a complete copy. */
export function encodeSentinel(epochMs: number): Uint8Array {
  return encoding((writer) => wire.Sentinel.encode({ epochMs }, writer));
}

export function decodeSentinel(bytes: Uint8Array): Decoded<number> {
  return decoding(() => wire.Sentinel.decode(bytes).epochMs);
}

type PresentEntry = Exclude<wire.ConfigEntry["entry"], { $case: "tombstone" } | undefined>;

function entryToWire(entry: ConfigEntry): PresentEntry {
  switch (entry.kind) {
    case "organisation":
      return { $case: "organisation", value: { id: entry.id, strictEventTypes: entry.strictEventTypes } };
    case "api-key": {
      const { id, orgId, scope } = entry;
      return { $case: "apiKey", value: { id, orgId, scope, hash: Buffer.from(entry.hash, "hex") } };
    }
    case "webhook":
      return { $case: "webhook", value: webhookToWire(entry) };
    case "event-type": {
      const { id, orgId, name, schema } = entry;
      return { $case: "eventType", value: { id, orgId, name, schema: schema ?? "" } };
    }
    case "payload-deletion":
      return { $case: "payloadDeletion", value: { orgId: entry.orgId, eventId: entry.id } };
    default:
      return entry satisfies never;
  }
}

function webhookToWire(webhook: WebhookConfig): wire.Webhook {
  return {
    id: webhook.id,
    orgId: webhook.orgId,
    url: webhook.url,
    patterns: [...webhook.patterns],
    profile: webhook.profile,
    timeoutMs: webhook.timeoutMs,
    retrySchedule: webhook.retryDelaysS === undefined ? undefined : { delaysS: [...webhook.retryDelaysS] },
    isActive: webhook.isActive,
    secrets: webhook.secrets.map(({ ciphertext, signsUntilMs }) => ({
      ciphertext: asBuffer(ciphertext),
      signsUntilMs: signsUntilMs ?? 0,
    })),
    disabledByEngine: webhook.disabledByEngine,
    legacySignsWithNew: webhook.legacySignsWith === "new",
    withoutSecret: !webhook.hasSecret,
    filter: webhook.filter ?? "",
    eventTypePrefix: webhook.eventTypePrefix,
    sealedToken: asBuffer(webhook.sealedToken ?? NO_BYTES),
    sealedHeaders: asBuffer(webhook.sealedHeaders ?? NO_BYTES),
    rateLimit: webhook.rateLimit ?? 0,
    ordered: webhook.ordered,
  };
}

function entryFromWire(entry: PresentEntry): ConfigEntry {
  switch (entry.$case) {
    case "organisation":
      return {
        kind: "organisation",
        id: required(parseOrgId(entry.value.id), "organisation.id"),
        strictEventTypes: entry.value.strictEventTypes,
      };
    case "apiKey":
      return {
        kind: "api-key",
        id: required(parseApiKeyId(entry.value.id), "api_key.id"),
        orgId: required(parseOrgId(entry.value.orgId), "api_key.org_id"),
        scope: required(parseScope(entry.value.scope), "api_key.scope"),
        hash: entry.value.hash.toString("hex"),
      };
    case "webhook":
      return webhookFromWire(entry.value);
    case "eventType":
      return {
        kind: "event-type",
        id: required(parseEventTypeId(entry.value.id), "event_type.id"),
        orgId: required(parseOrgId(entry.value.orgId), "event_type.org_id"),
        name: entry.value.name,
        schema: absentIfEmpty(entry.value.schema),
      };
    case "payloadDeletion":
      return {
        kind: "payload-deletion",
        id: required(parseEventId(entry.value.eventId), "payload_deletion.event_id"),
        orgId: required(parseOrgId(entry.value.orgId), "payload_deletion.org_id"),
      };
    default:
      return entry satisfies never;
  }
}

function webhookFromWire(webhook: wire.Webhook): WebhookConfig {
  return {
    kind: "webhook",
    id: required(parseWebhookId(webhook.id), "webhook.id"),
    orgId: required(parseOrgId(webhook.orgId), "webhook.org_id"),
    url: webhook.url,
    patterns: webhook.patterns,
    profile: required(parseProfileName(webhook.profile), "webhook.profile"),
    timeoutMs: webhook.timeoutMs,
    retryDelaysS: webhook.retrySchedule?.delaysS,
    isActive: webhook.isActive,
    disabledByEngine: webhook.disabledByEngine,
    secrets: webhook.secrets.map(({ ciphertext, signsUntilMs }) => ({
      ciphertext,
      signsUntilMs: absentIfZero(signsUntilMs),
    })),
    legacySignsWith: webhook.legacySignsWithNew ? "new" : "old",
    hasSecret: !webhook.withoutSecret,
    filter: absentIfEmpty(webhook.filter),
    eventTypePrefix: webhook.eventTypePrefix,
    sealedToken: presentBytes(webhook.sealedToken),
    sealedHeaders: presentBytes(webhook.sealedHeaders),
    rateLimit: absentIfZero(webhook.rateLimit),
    ordered: webhook.ordered,
  };
}

const NO_BYTES = new Uint8Array();
const presentBytes = (bytes: Uint8Array) => (bytes.length === 0 ? undefined : bytes);
