/** What the processes of one run share: time, chance, the modelled servers, what is observed, and what is broken on purpose. */

import type { SeededRandom } from "@posthorn/testkit";
import type { BrokerModel } from "./broker-model.ts";
import { BusModel } from "./bus-model.ts";
import type { DatabaseModel } from "./database-model.ts";
import type { Mutation } from "./mutations.ts";
import type { Observations } from "./observations.ts";
import type { ReceiverModel } from "./receiver-model.ts";
import type { Trace } from "./trace.ts";
import type { Actor, VirtualTime } from "./virtual-time.ts";
import { Wire } from "./wire.ts";

export type World = {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly broker: BrokerModel;
  readonly database: DatabaseModel;
  readonly receivers: ReceiverModel;
  readonly observed: Observations;
  readonly mutation: Mutation;
  readonly trace: Trace;
  /** Those in use: the others stand empty. */
  readonly partitions: readonly number[];
  /** A process has ended by itself. */
  onEnded: (process: Process) => void;
};

/** One process of a service, from its start to its death. */
export type Process = {
  readonly actor: Actor;
  readonly connection: BusModel;
};

/** @param begin what the process does first. When it cannot, it ends, and is started anew. */
export function startProcess(world: World, name: string, begin: (process: Process) => Promise<void>): Process {
  const { time, broker, random } = world;
  const actor: Actor = { name, isDead: false, frozenUntilMs: 0 };
  const process = { actor, connection: new BusModel(broker, actor, new Wire(time, actor, random)) };
  time.after(0, actor, () => {
    begin(process).catch((error: unknown) => {
      world.trace.add(() => `${name} could not start: ${String(error)}`);
      world.onEnded(process);
    });
  });
  return process;
}

/** SIGKILL: what is in its memory is lost, what it had sent may have arrived. */
export function killProcess({ time, database }: World, { actor, connection }: Process): void {
  time.kill(actor);
  connection.die();
  database.disconnect(actor);
}

/** An id that follows from the seed. */
export function newUuid(random: SeededRandom): string {
  const hex = Array.from({ length: 4 }, () =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, "0"),
  ).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
