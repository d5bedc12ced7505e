/** The organisations and API keys of the configuration, found by what a request shows. A tombstone removes at once. */

import { type ApiKeyConfig, type ConfigValue, createNewestValues, type OrgId } from "@posthorn/domain";
import type { KnownKeys } from "./access.ts";

export type KeyIndex = KnownKeys & {
  /** @param bucketKey `<kind>.<org>.<id>`; other kinds than organisations and keys are passed over. */
  apply(bucketKey: string, value: ConfigValue): void;
  clear(): void;
};

export function createKeyIndex(): KeyIndex {
  const organisations = new Set<OrgId>();
  const keysByHash = new Map<string, ApiKeyConfig>();

  const values = createNewestValues({
    add: (entry) => {
      if (entry.kind === "organisation") organisations.add(entry.id);
      if (entry.kind === "api-key") keysByHash.set(entry.hash, entry);
    },
    remove: (entry) => {
      if (entry.kind === "organisation") organisations.delete(entry.id);
      if (entry.kind === "api-key") keysByHash.delete(entry.hash);
    },
  });

  return {
    keyByHash: (hash) => keysByHash.get(hash),
    hasOrganisation: (org) => organisations.has(org),
    apply(bucketKey, value) {
      if (!bucketKey.startsWith("organisation.") && !bucketKey.startsWith("api-key.")) return;
      values.apply(bucketKey, value);
    },
    clear() {
      values.clear();
      organisations.clear();
      keysByHash.clear();
    },
  };
}
