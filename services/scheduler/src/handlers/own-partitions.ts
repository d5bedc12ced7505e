/** The partitions that this process owns: paces, probes, slots, runs and replays are decided in one place only. */

import { type OpenDatabase, PartitionOwner } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import type { BusConnection } from "@posthorn/message-bus";
import type { DependencyHandle } from "@posthorn/service-runtime";
import { OWNERSHIP_MS_MAX } from "../core/slots.ts";
import type { SchedulerEvents } from "../events.ts";
import { caughtUp, readLogEnds } from "./await-projection.ts";
import { Tenure } from "./tenure.ts";

export type OwnershipPorts = {
  readonly pool: OpenDatabase["pool"];
  readonly connection: BusConnection;
  readonly postgres: DependencyHandle;
  readonly events: SchedulerEvents;
};

export type Ownership = AsyncDisposable & {
  /** The tenures that surely last and whose projection has caught up. A process that was frozen has none at first. */
  current(): readonly Tenure[];
  /** Looks whether the projection has caught up with what LOG held when a partition became ours. */
  catchUp(): Promise<void>;
};

/** "sche" in ASCII. */
const LOCK_CLASS = 0x73636865;

export function ownPartitions({ pool, connection, postgres, events }: OwnershipPorts): Ownership {
  const owner = new PartitionOwner<Tenure>({
    pool,
    lockClass: LOCK_CLASS,
    partitions: ALL_PARTITIONS,
    start: (partition) => new Tenure(partition, Date.now(), performance.now()),
    onAnswer: () => postgres.up(),
    onGained: (partitions) => events.gained(partitions),
    onLost: (error) => {
      postgres.down("Postgres does not answer");
      events.trouble("ownership", error);
    },
  });
  const owned = () => [...owner.owned.values()];
  return {
    current: () =>
      performance.now() - owner.confirmedAtMs > OWNERSHIP_MS_MAX ? [] : owned().filter((one) => one.hasCaughtUp),
    catchUp: async () => {
      for (const tenure of owned().filter((one) => !one.hasCaughtUp)) {
        tenure.logEnd ??= await readLogEnds(connection, [tenure.partition]);
        tenure.hasCaughtUp = (await caughtUp(pool, tenure.logEnd)).length > 0;
      }
    },
    [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose](),
  };
}
