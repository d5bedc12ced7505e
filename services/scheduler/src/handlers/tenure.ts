/**
 * What this process knows of a partition for as long as it owns it: the lanes of its webhooks, and how far they came.
 * Nothing of it outlives the ownership; the next owner finds in the rows, or waits out, what it needs to know.
 */

import type { ReplayId, WebhookId } from "@posthorn/domain";
import type { Drain } from "../core/drain.ts";
import type { ProbePlan } from "../core/probe-plan.ts";
import type { Replay } from "../core/replay-page.ts";
import type { Frontier } from "../core/run-plan.ts";
import type { RowVersion } from "../io/delivery-rows.ts";
import type { LogEnds } from "./await-projection.ts";

export type RunState =
  | {
      readonly kind: "idle";
      readonly lengthMax: number;
      /** A head that waits is not read in every round. */
      readonly lookAgainAtMs: number;
    }
  | {
      readonly kind: "under-way";
      readonly lengthMax: number;
      readonly parts: readonly RowVersion[];
      /** Of its message in RETRY; undefined: nobody can say whether it was stored. */
      readonly sequence: number | undefined;
      readonly releasedAtMs: number;
      readonly lookedAtMs: number;
      /** Where LOG ended when the message was found to be gone; undefined: it was not. */
      readonly goneAtLogEnd: LogEnds | undefined;
    };

/** Where the partition stood when it was asked: the frontier, once the projection has come to where the log ended. */
export type FrontierCandidate = { readonly frontier: Frontier; readonly logEnd: LogEnds };

/** A replay that is worked, with the types that it is about. */
export type ReplayInHand = { readonly replay: Replay; readonly types: readonly string[]; readonly isFinished: boolean };

export class Tenure implements AsyncDisposable {
  readonly partition: number;
  readonly sinceMs: number;
  /** Monotonic. */
  readonly gainedAtMs: number;
  readonly drains = new Map<WebhookId, Drain>();
  readonly probes = new Map<WebhookId, ProbePlan>();
  /** Where the next slots of rate-limited webhooks may begin. */
  readonly slots = new Map<WebhookId, number>();
  readonly runs = new Map<WebhookId, RunState>();
  readonly replays = new Map<ReplayId, ReplayInHand>();
  frontier: Frontier = { epochMs: 0, sequence: 0 };
  frontierCandidate: FrontierCandidate | undefined;
  /** Where LOG ended when nothing was queued any more that a former owner had released; undefined: something may be. */
  predecessorLogEnd: LogEnds | undefined;
  /** What a former owner had released is worked off and projected: its claims mean nothing any more. */
  isPredecessorDone = false;
  /** Where LOG ended after the partition became ours; undefined: not asked yet. */
  logEnd: LogEnds | undefined;
  /** The projection has come that far. Nothing is released before. */
  hasCaughtUp = false;

  constructor(partition: number, sinceMs: number, gainedAtMs: number) {
    this.partition = partition;
    this.sinceMs = sinceMs;
    this.gainedAtMs = gainedAtMs;
  }

  /** Nothing is held that would have to be given back. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
