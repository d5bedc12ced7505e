/** The one partition key of all streams: it keeps an organisation's order in one place. */

import type { OrgId } from "./ids.ts";

export const PARTITIONS = 8;

/** All partitions, in order: what a reader of every partition takes turns over. */
export const ALL_PARTITIONS: readonly number[] = Array.from({ length: PARTITIONS }, (_, index) => index);

/** FNV-1a over the id's characters. Changing it would split the history of every organisation. */
export function partitionOf(org: OrgId): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < org.length; index += 1) {
    hash = Math.imul(hash ^ org.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % PARTITIONS;
}
