/** The lanes of the partitions that are owned here, as they were last looked at, and how each is to be released. */

import { type KnownWebhook, type Lane, type LaneMode, laneModeOf } from "../core/lane-mode.ts";
import type { LaneRows } from "../io/lane-rows.ts";
import type { Tenure } from "./tenure.ts";

export type OpenLane<Mode extends LaneMode = LaneMode> = {
  readonly lane: Lane;
  readonly mode: Mode;
  readonly tenure: Tenure;
};

export type KnowsWebhook = (webhook: Pick<Lane, "orgId" | "webhookId">) => KnownWebhook;

export class LaneBoard {
  #lanes: readonly OpenLane[] = [];

  async look(rows: LaneRows, knownWebhook: KnowsWebhook, tenures: readonly Tenure[]): Promise<void> {
    const found = tenures.length === 0 ? [] : await rows.findLanes(tenures.map(({ partition }) => partition));
    this.#lanes = found.flatMap((lane) => {
      const tenure = tenures.find(({ partition }) => partition === lane.partition);
      return tenure === undefined ? [] : [{ lane, tenure, mode: laneModeOf(knownWebhook(lane), lane.circuit) }];
    });
  }

  get lanes(): readonly OpenLane[] {
    return this.#lanes;
  }

  /** Of the tenures that still last. */
  ofKind<Kind extends LaneMode["kind"]>(
    kind: Kind,
    tenures: readonly Tenure[],
  ): readonly OpenLane<Extract<LaneMode, { kind: Kind }>>[] {
    return this.#lanes.filter(
      (open): open is OpenLane<Extract<LaneMode, { kind: Kind }>> =>
        open.mode.kind === kind && tenures.includes(open.tenure),
    );
  }
}
