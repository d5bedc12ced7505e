/** Configuration values, as the KV bucket holds them. */

import {
  type ConfigEntry,
  type ConfigValue,
  parseApiKeyId,
  parseOrgId,
  parseProfileName,
  parseScope,
  parseWebhookId,
  type WebhookConfig,
} from "@posthorn/domain";
import * as wire from "../gen/posthorn/config/v1/config.ts";
import { asBuffer } from "./event-codec.ts";
import { type Decoded, decoding, encoding, required } from "./wire.ts";

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
      return { $case: "organisation", value: { id: entry.id } };
    case "api-key": {
      const { id, orgId, scope } = entry;
      return { $case: "apiKey", value: { id, orgId, scope, hash: Buffer.from(entry.hash, "hex") } };
    }
    case "webhook":
      return { $case: "webhook", value: webhookToWire(entry) };
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
    secrets: webhook.sealedSecrets.map((ciphertext) => ({ ciphertext: asBuffer(ciphertext) })),
  };
}

function entryFromWire(entry: PresentEntry): ConfigEntry {
  switch (entry.$case) {
    case "organisation":
      return { kind: "organisation", id: required(parseOrgId(entry.value.id), "organisation.id") };
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
    sealedSecrets: webhook.secrets.map((secret) => secret.ciphertext),
  };
}
