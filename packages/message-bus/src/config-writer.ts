/** Writes configuration values into the bucket, by compare-and-set: never an older version over a newer one. */

import { decodeConfigValue, encodeConfigValue, encodeSentinel } from "@posthorn/contracts";
import type { ConfigEntry, ConfigValue } from "@posthorn/domain";
import { orNothing } from "./api-answers.ts";
import { SENTINEL_KEY } from "./config-replica.ts";
import type { BusConnection } from "./connection.ts";
import { CONFIG_STREAM, CONFIG_SUBJECT_PREFIX } from "./names.ts";
import type { Publisher } from "./publisher.ts";
import { streamPosition } from "./streams.ts";

export type ConfigKey = {
  readonly kind: ConfigEntry["kind"];
  readonly orgId: string;
  readonly id: string;
};

export type ConfigWrite =
  /** The bucket holds `heldVersion`: the one that was to be written, or a newer one. */
  | { readonly kind: "written"; readonly heldVersion: number }
  | { readonly kind: "unavailable"; readonly reason: string };

/** How long one write may take before the caller is told that the bus is not available. */
const WRITE_DEADLINE_MS = 3_000;

export function configKeyText(key: ConfigKey): string {
  return `${key.kind}.${key.orgId}.${key.id}`;
}

/** @param nowMs stamped on tombstones. */
export async function writeConfigValue(
  connection: BusConnection,
  publisher: Publisher,
  key: ConfigKey,
  value: ConfigValue,
  nowMs: number,
): Promise<ConfigWrite> {
  const subject = CONFIG_SUBJECT_PREFIX + configKeyText(key);
  const payload = encodeConfigValue(value, nowMs);
  for (;;) {
    const held = await orNothing(connection.manager.streams.getMessage(CONFIG_STREAM, { last_by_subj: subject }));
    if (held !== undefined) {
      const decoded = decodeConfigValue(held.data);
      if (decoded.kind === "decoded" && decoded.value.version >= value.version) {
        return { kind: "written", heldVersion: decoded.value.version };
      }
    }
    const request = { subject, payload, id: undefined, expectedLastSequence: held?.seq ?? 0 };
    const published = await publisher.publish(request, WRITE_DEADLINE_MS);
    if (published.kind === "stored") return { kind: "written", heldVersion: value.version };
    if (published.kind === "unknown") return { kind: "unavailable", reason: "NATS did not answer in time" };
    if (published.code !== "wrong_sequence") return { kind: "unavailable", reason: published.message };
  }
}

/** Takes a key out of the bucket, tombstone and all. Readers do not hear of it: they have to know of the deletion. */
export async function removeConfigKey(connection: BusConnection, key: ConfigKey): Promise<void> {
  await connection.manager.streams.purge(CONFIG_STREAM, { filter: CONFIG_SUBJECT_PREFIX + configKeyText(key) });
}

/** Says that the bucket, as it exists now, holds a complete copy. */
export async function writeSentinel(connection: BusConnection, publisher: Publisher): Promise<void> {
  const { epochMs } = await streamPosition(connection, CONFIG_STREAM);
  const subject = CONFIG_SUBJECT_PREFIX + SENTINEL_KEY;
  await publisher.publishUntilStored({ subject, payload: encodeSentinel(epochMs), id: undefined });
}

/** Does the bucket, as it exists now, hold a complete copy? */
export async function hasSentinel(connection: BusConnection): Promise<boolean> {
  const { epochMs } = await streamPosition(connection, CONFIG_STREAM);
  const subject = CONFIG_SUBJECT_PREFIX + SENTINEL_KEY;
  const held = await orNothing(connection.manager.streams.getMessage(CONFIG_STREAM, { last_by_subj: subject }));
  if (held === undefined) return false;
  return Buffer.from(held.data).equals(encodeSentinel(epochMs));
}
