/** Which partitions have room for more released deliveries: those whose dispatchers have taken what was released before. */

export type UntakenPorts = {
  /** Messages of a partition of RETRY that no dispatcher has taken yet. */
  readonly untakenRetries: (partition: number) => Promise<number>;
};

/** Dispatchers take some 128 ahead of what they work on. */
const UNTAKEN_MAX = 64;

export async function partitionsWithRoom(
  { untakenRetries }: UntakenPorts,
  partitions: readonly number[],
): Promise<readonly number[]> {
  const untaken = await Promise.all(partitions.map(untakenRetries));
  return partitions.filter((_partition, index) => (untaken[index] ?? 0) <= UNTAKEN_MAX);
}
