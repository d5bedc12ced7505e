/** The organisations and API keys of the configuration, found by what a request shows. A tombstone removes at once. */

import type { ApiKeyConfig, ConfigValue, OrgId } from "@posthorn/domain";
import type { KnownKeys } from "./access.ts";

export type KeyIndex = KnownKeys & {
  /** @param bucketKey `<kind>.<org>.<id>`; other kinds than organisations and keys are passed over. */
  apply(bucketKey: string, value: ConfigValue): void;
  clear(): void;
};

export function createKeyIndex(): KeyIndex {
  const values = new Map<string, ConfigValue>();
  const organisations = new Set<OrgId>();
  const keysByHash = new Map<string, ApiKeyConfig>();

  const remove = (value: ConfigValue): void => {
    if (value.kind === "deleted") return;
    if (value.entry.kind === "organisation") organisations.delete(value.entry.id);
    if (value.entry.kind === "api-key") keysByHash.delete(value.entry.hash);
  };
  const add = (value: ConfigValue): void => {
    if (value.kind === "deleted") return;
    if (value.entry.kind === "organisation") organisations.add(value.entry.id);
    if (value.entry.kind === "api-key") keysByHash.set(value.entry.hash, value.entry);
  };

  return {
    keyByHash: (hash) => keysByHash.get(hash),
    hasOrganisation: (org) => organisations.has(org),
    apply(bucketKey, value) {
      if (!bucketKey.startsWith("organisation.") && !bucketKey.startsWith("api-key.")) return;
      const held = values.get(bucketKey);
      if (held !== undefined && held.version > value.version) return;
      if (held !== undefined) remove(held);
      values.set(bucketKey, value);
      add(value);
    },
    clear() {
      values.clear();
      organisations.clear();
      keysByHash.clear();
    },
  };
}
