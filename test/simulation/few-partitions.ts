/** Fewer partitions than a stream has: each costs every process its consumers, and two are enough for what they can do. */

import { ALL_PARTITIONS } from "@posthorn/domain";

const PARTITIONS_SIMULATED = 2;

/** For a process that does nothing but simulate: the list is the one that all services go by. */
export function keepFewPartitions(): void {
  const partitions = ALL_PARTITIONS as number[];
  partitions.length = PARTITIONS_SIMULATED;
}
