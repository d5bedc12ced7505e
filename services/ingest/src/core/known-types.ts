/**
 * The event types that organisations have in their catalogues, and which of them take no others. A tombstone removes
 * at once.
 */

import {
  type ConfigEntry,
  type ConfigValue,
  createNewestValues,
  type EventTypeConfig,
  type OrgId,
} from "@posthorn/domain";

/** What an organisation demands of the events of a type. */
export type TypeRule =
  | { readonly kind: "free" }
  /** The organisation takes no types but those of its catalogue, and this is none of them. */
  | { readonly kind: "unknown" }
  /** JSON Schema that `data` has to meet, as text. */
  | { readonly kind: "schema"; readonly schema: string };

/** The catalogues as far as the configuration has come here. */
export type KnownTypes = { ruleOf(org: OrgId, type: string): TypeRule };

export type TypeIndex = KnownTypes & {
  /** @param bucketKey `<kind>.<org>.<id>`; other kinds than organisations and event types are passed over. */
  apply(bucketKey: string, value: ConfigValue): void;
  clear(): void;
};

const FREE: TypeRule = { kind: "free" };
const UNKNOWN: TypeRule = { kind: "unknown" };

export function createTypeIndex(): TypeIndex {
  const strict = new Set<OrgId>();
  const catalogues = new Map<OrgId, Map<string, EventTypeConfig>>();

  const remove = (entry: ConfigEntry): void => {
    if (entry.kind === "organisation") strict.delete(entry.id);
    if (entry.kind !== "event-type") return;
    const catalogue = catalogues.get(entry.orgId);
    // The name may belong to another entry by now: one that was deleted and made anew comes in any order.
    if (catalogue?.get(entry.name)?.id === entry.id) catalogue.delete(entry.name);
  };
  const add = (entry: ConfigEntry): void => {
    if (entry.kind === "organisation" && entry.strictEventTypes) strict.add(entry.id);
    if (entry.kind !== "event-type") return;
    const catalogue = catalogues.get(entry.orgId) ?? new Map<string, EventTypeConfig>();
    catalogues.set(entry.orgId, catalogue.set(entry.name, entry));
  };
  const values = createNewestValues({ add, remove });

  return {
    ruleOf(org, type) {
      const known = catalogues.get(org)?.get(type);
      if (known?.schema !== undefined) return { kind: "schema", schema: known.schema };
      return known === undefined && strict.has(org) ? UNKNOWN : FREE;
    },
    apply(bucketKey, value) {
      if (!bucketKey.startsWith("organisation.") && !bucketKey.startsWith("event-type.")) return;
      values.apply(bucketKey, value);
    },
    clear() {
      values.clear();
      strict.clear();
      catalogues.clear();
    },
  };
}
