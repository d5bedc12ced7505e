/**
 * The newest value of each key of the configuration, by its row's version: values come in any order and more than once.
 * Whoever keeps an index of them hears what leaves it and what enters it.
 */

import type { ConfigEntry, ConfigValue } from "./configuration.ts";

export type IndexOfEntries = {
  readonly add: (entry: ConfigEntry) => void;
  /** Of an entry that was added, and is replaced or deleted now. */
  readonly remove: (entry: ConfigEntry) => void;
};

export type NewestValues = {
  apply(key: string, value: ConfigValue): void;
  clear(): void;
};

export function createNewestValues({ add, remove }: IndexOfEntries): NewestValues {
  const values = new Map<string, ConfigValue>();
  return {
    apply(key, value) {
      const held = values.get(key);
      if (held !== undefined && held.version > value.version) return;
      if (held?.kind === "present") remove(held.entry);
      values.set(key, value);
      if (value.kind === "present") add(value.entry);
    },
    clear: () => values.clear(),
  };
}
