/**
 * The scheduler's rows on the modelled tables. It stands for the adapters `io/due-deliveries.ts` and `io/lane-rows.ts`
 * of the scheduler, whose rules are written in SQL: claims, their ends, and what a released row is forgotten by.
 */

import type { WebhookId } from "@posthorn/domain";
import type { Lane } from "../../services/scheduler/src/core/lane-mode.ts";
import type { WaitingDelivery } from "../../services/scheduler/src/core/release.ts";
import {
  ids,
  type RowVersion,
  type WaitingRow,
  waitingFromRow,
} from "../../services/scheduler/src/io/delivery-rows.ts";
import { CLAIM_ROWS_MAX, type DueDeliveries } from "../../services/scheduler/src/io/due-deliveries.ts";
import type { LaneRows, WantedRows } from "../../services/scheduler/src/io/lane-rows.ts";
import type { DatabaseModel } from "./database-model.ts";
import type { ModelRow } from "./tables-model.ts";
import type { Actor } from "./virtual-time.ts";

export function dueDeliveriesOn(database: DatabaseModel, actor: Actor): DueDeliveries {
  const rows = new WaitingRows(database);
  return {
    partitionsDue: (partitions, nowMs) =>
      database.ask(actor, () => partitions.filter((partition) => rows.due(partition, nowMs, []).length > 0)),
    claimDue: (partition, nowMs, untilMs, except) =>
      database.ask(actor, () => rows.claim(rows.due(partition, nowMs, except).slice(0, CLAIM_ROWS_MAX), untilMs)),
    forget: (released) => database.ask(actor, () => rows.forget(released)),
    holdClaim: (held, untilMs) => database.ask(actor, () => rows.hold(held, untilMs)),
  };
}

export function laneRowsOn(database: DatabaseModel, actor: Actor): LaneRows {
  const rows = new WaitingRows(database);
  return {
    findLanes: (partitions) => database.ask(actor, () => partitions.flatMap((partition) => rows.lanes(partition))),
    claimParked: (wanted, nowMs, untilMs) =>
      database.ask(actor, () => wanted.flatMap((one) => rows.claim(rows.parked(one, nowMs), untilMs))),
    isSettled: ({ deliveryId, attempt, release }) =>
      database.ask(actor, () => {
        const row = database.tables.deliveries.get(deliveryId);
        if (row === undefined) return false;
        return row.completed_at !== null || Number(row.attempt_count) >= attempt || Number(row.release) > release;
      }),
  };
}

class WaitingRows {
  readonly #database: DatabaseModel;

  constructor(database: DatabaseModel) {
    this.#database = database;
  }

  due(partition: number, nowMs: number, except: readonly WebhookId[]): readonly ModelRow[] {
    return this.#all()
      .filter((row) => row.kind === "retry" && row.partition === partition && Number(row.due_at) <= nowMs)
      .filter((row) => isUnclaimed(row, nowMs) && !except.some((webhookId) => webhookId === row.webhook_id))
      .sort((a, b) => Number(a.due_at) - Number(b.due_at));
  }

  parked({ partition, webhookId, rowsMax, acceptedBeforeMs, acceptedFromMs }: WantedRows, nowMs: number) {
    return this.#parkedOf(partition)
      .filter((row) => row.webhook_id === webhookId && isUnclaimed(row, nowMs))
      .filter((row) => row.reason !== "unsignable" || Number(row.due_at) <= nowMs)
      .filter((row) => acceptedBeforeMs === undefined || Number(row.accepted_at) < acceptedBeforeMs)
      .filter((row) => acceptedFromMs === undefined || Number(row.accepted_at) >= acceptedFromMs)
      .slice(0, rowsMax);
  }

  /** The row comes back with the claim that it had before. */
  claim(rows: readonly ModelRow[], untilMs: number): readonly WaitingDelivery[] {
    return rows.map((row) => {
      this.#database.tables.retry_due.set(String(row.delivery_id), { ...row, claimed_until: new Date(untilMs) });
      // Written by the projector's own statements, read as the driver would hand it out.
      return waitingFromRow({ ...row, ...this.#database.circuitOf(row.webhook_id) } as unknown as WaitingRow);
    });
  }

  forget(versions: readonly RowVersion[]): void {
    for (const row of this.#asClaimed(versions)) this.#database.tables.retry_due.delete(String(row.delivery_id));
  }

  hold(versions: readonly RowVersion[], untilMs: number): void {
    for (const row of this.#asClaimed(versions)) {
      this.#database.tables.retry_due.set(String(row.delivery_id), { ...row, claimed_until: new Date(untilMs) });
    }
  }

  lanes(partition: number): readonly Lane[] {
    const oldest = new Map(
      this.#parkedOf(partition)
        .toReversed()
        .map((row) => [row.webhook_id, row]),
    );
    return [...oldest.values()].map((row) => {
      const { circuit, circuit_generation, circuit_changed_at, congested_count } = this.#database.circuitOf(
        row.webhook_id,
      );
      return {
        partition,
        orgId: ids.org(String(row.org_id)),
        webhookId: ids.webhook(String(row.webhook_id)),
        oldestAcceptedAtMs: Number(row.accepted_at),
        circuit: {
          kind: circuit === "open" ? "open" : "closed",
          generation: Number(circuit_generation ?? 0),
          changedAtMs: circuit_changed_at === null ? undefined : Number(circuit_changed_at),
        },
        congestedCount: Number(congested_count ?? 0),
      };
    });
  }

  #all(): readonly ModelRow[] {
    return [...this.#database.tables.retry_due.values()];
  }

  #parkedOf(partition: number): readonly ModelRow[] {
    return this.#all()
      .filter((row) => row.kind === "parked" && row.partition === partition)
      .sort(
        (a, b) => Number(a.place_sequence) - Number(b.place_sequence) || Number(a.place_index) - Number(b.place_index),
      );
  }

  /** Rows that still stand as they were claimed: the projection may have made others of them. */
  #asClaimed(versions: readonly RowVersion[]): readonly ModelRow[] {
    return versions
      .map(({ deliveryId, attempt, release }) => {
        const row = this.#database.tables.retry_due.get(deliveryId);
        return row?.attempt === attempt && row.release === release ? row : undefined;
      })
      .filter((row) => row !== undefined);
  }
}

function isUnclaimed({ claimed_until }: ModelRow, nowMs: number): boolean {
  return claimed_until === null || Number(claimed_until) < nowMs;
}
