/**
 * What a partition's projector has written itself and therefore need not read back: most outcomes come moments after
 * their creation. It is true only behind the very checkpoint that its last commit put there, and for the tables that
 * commit wrote to; otherwise it knows nothing. Bounded: what was written longest ago is forgotten first.
 */

import type { DeliveryId, EventId, WebhookHealth, WebhookId } from "@posthorn/domain";
import type { Checkpoint } from "./checkpoint.ts";
import { type DeliveryRecord, isUnderWay } from "./delivery-record.ts";
import type { AffectedKeys, CurrentRows, EventRow, ProjectionChanges } from "./fold-batch.ts";

export type Committed = {
  readonly keys: AffectedKeys;
  /** What was known of the keys when the changes were folded. */
  readonly current: CurrentRows;
  readonly changes: ProjectionChanges;
  readonly checkpoint: Checkpoint;
  readonly tablesId: number;
};

export class WrittenRows {
  readonly #rowsMax: number;
  readonly #deliveries = new Map<DeliveryId, DeliveryRecord>();
  readonly #health = new Map<WebhookId, WebhookHealth>();
  /** Of the last batch: of many deliveries of one event some come in one batch and the others in the next. */
  #events: ReadonlySet<EventId> = new Set();
  #behind: Checkpoint | undefined;
  #tablesId: number | undefined;
  /** Deliveries that are created now may be there already: somebody reads the log again. */
  #expectsRepeats = true;

  /** @param rowsMax of each of its two tables of rows; one takes about a kilobyte. */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  /** Deliveries that are remembered. */
  get size(): number {
    return this.#deliveries.size;
  }

  forget(): void {
    this.#deliveries.clear();
    this.#health.clear();
    this.#events = new Set();
    this.#behind = undefined;
    this.#tablesId = undefined;
    this.#expectsRepeats = true;
  }

  /** Which of the rows have to be read by whoever goes on from there. */
  unknownOf(keys: AffectedKeys, from: Checkpoint): AffectedKeys {
    if (from !== this.#behind) this.forget();
    const isNew = (id: DeliveryId) => !this.#expectsRepeats && keys.born.has(id);
    return {
      ...keys,
      deliveries: keys.deliveries.filter((id) => !this.#deliveries.has(id) && !isNew(id)),
      webhooks: keys.webhooks.filter((id) => !this.#health.has(id)),
    };
  }

  /** False: it knows of other tables than these, or has just begun; then everything has to be read. */
  isOf(tablesId: number): boolean {
    return tablesId === this.#tablesId;
  }

  /** The rows that were read, and those that did not have to be. */
  complete(keys: AffectedKeys, read: CurrentRows): CurrentRows {
    return {
      deliveries: completed(keys.deliveries, this.#deliveries, read.deliveries),
      health: completed(keys.webhooks, this.#health, read.health),
      replays: read.replays,
    };
  }

  /** False: perhaps not. */
  isNewEvent({ eventId, isFromMatching }: EventRow): boolean {
    return !this.#expectsRepeats && isFromMatching && !this.#events.has(eventId);
  }

  committed({ keys, current, changes, checkpoint, tablesId }: Committed): void {
    this.#behind = checkpoint;
    this.#tablesId = tablesId;
    this.#expectsRepeats = [...keys.born].some((id) => current.deliveries.has(id));
    for (const record of changes.deliveries) {
      this.#deliveries.delete(record.deliveryId);
      // Of the others hardly anything follows, and retention may forget them.
      if (isUnderWay(record)) this.#deliveries.set(record.deliveryId, record);
    }
    for (const { webhookId, health } of changes.health) {
      this.#health.delete(webhookId);
      this.#health.set(webhookId, health);
    }
    this.#events = new Set(changes.events.map(({ eventId }) => eventId));
    keepNewest(this.#deliveries, this.#rowsMax);
    keepNewest(this.#health, this.#rowsMax);
  }
}

function completed<Id, Row>(
  ids: readonly Id[],
  written: ReadonlyMap<Id, Row>,
  read: ReadonlyMap<Id, Row>,
): ReadonlyMap<Id, Row> {
  const rows = new Map(read);
  for (const id of ids) {
    const row = written.get(id);
    if (row !== undefined) rows.set(id, row);
  }
  return rows;
}

function keepNewest<Id>(rows: Map<Id, unknown>, rowsMax: number): void {
  for (const id of rows.keys()) {
    if (rows.size <= rowsMax) return;
    rows.delete(id);
  }
}
