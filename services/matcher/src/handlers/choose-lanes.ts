/**
 * Chooses the lanes of bundles by what waits in their partition, and asks the stream for that as often as the choice
 * wants it. An answer that fails to come changes nothing: the backlog lane is served in turn with the others.
 */

import { ALL_PARTITIONS, type WorkItem } from "@posthorn/domain";
import { type Lane, LaneChoice, type Unfinished } from "../core/lane-choice.ts";

export type LanePorts = {
  /** What dispatchers have not acknowledged. */
  readonly readUnfinished: (partition: number) => Promise<Unfinished>;
  readonly onTrouble: (reason: string) => void;
  readonly monotonicMs: () => number;
};

export class Lanes {
  readonly #ports: LanePorts;
  readonly #choices = ALL_PARTITIONS.map(() => new LaneChoice());
  /** Partitions about which the stream is being asked. */
  readonly #looking = new Set<number>();

  constructor(ports: LanePorts) {
    this.#ports = ports;
  }

  /** @param bundles each of one organisation. */
  choose(partition: number, bundles: readonly (readonly Pick<WorkItem, "orgId">[])[]): readonly Lane[] {
    const choice = this.#choices[partition];
    if (choice === undefined) throw new RangeError(`there is no partition ${partition}`);
    const lanes = bundles.map((bundle) => {
      const [first] = bundle;
      return first === undefined ? "main" : choice.laneFor(first.orgId, bundle.length);
    });
    if (!this.#looking.has(partition) && choice.isLookDue(this.#ports.monotonicMs()))
      void this.#look(partition, choice);
    return lanes;
  }

  async #look(partition: number, choice: LaneChoice): Promise<void> {
    this.#looking.add(partition);
    const onUnfinished = choice.beginLook(this.#ports.monotonicMs());
    try {
      onUnfinished(await this.#ports.readUnfinished(partition));
    } catch (error) {
      this.#ports.onTrouble(error instanceof Error ? error.message : String(error));
    } finally {
      this.#looking.delete(partition);
    }
  }
}
