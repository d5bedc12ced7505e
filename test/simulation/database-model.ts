/**
 * Postgres, as far as projector and scheduler use it: each statement by its name or its text, transactions that are
 * written at their commit or not at all, and the row lock of a checkpoint. It stands for the pool of `pg`. Its faults:
 * an outage, a transaction that is aborted, and one whose commit was carried out but not answered.
 */

import type { OpenDatabase, Pool } from "@posthorn/database";
import type { SeededRandom } from "@posthorn/testkit";
import { DatabaseError } from "pg";
import { DatabaseSession } from "./database-session.ts";
import { readBinaryArray } from "./read-binary-array.ts";
import { asStatement, type Result, resultOf, type Statement, type Transaction } from "./statements.ts";
import { asBytes, emptyTables, type ModelRow, type Tables, violatesKey, writeRows } from "./tables-model.ts";
import { type Actor, type VirtualTime, WORLD } from "./virtual-time.ts";

export type DatabaseFaults = { readonly aborted: number; readonly commitUnanswered: number };

export const NO_DATABASE_FAULTS: DatabaseFaults = { aborted: 0, commitUnanswered: 0 };

const LATENCY_MS = { min: 0.3, max: 4 };

export class DatabaseModel {
  readonly tables: Tables;
  faults: DatabaseFaults = NO_DATABASE_FAULTS;
  isUp = true;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  /** Checkpoints that a transaction has moved and not committed yet. */
  readonly #lockedBy = new Map<number, Transaction>();
  readonly #sessions = new Map<Actor, Set<DatabaseSession>>();

  constructor(time: VirtualTime, random: SeededRandom, tables: Tables = emptyTables()) {
    this.#time = time;
    this.#random = random;
    this.tables = tables;
  }

  /** Of the real pool's many members these are the ones that the services use. */
  poolOf(actor: Actor): Pool & OpenDatabase["pool"] {
    const pool = {
      query: (statement: Statement | string, values?: readonly unknown[]) =>
        this.ask(actor, () => this.#execute(asStatement(statement, values), undefined)),
      connect: async () => this.#connect(actor),
    };
    return pool as unknown as Pool & OpenDatabase["pool"];
  }

  /** The server ends the transactions of a process that has died. */
  disconnect(actor: Actor): void {
    for (const session of this.#sessions.get(actor) ?? []) session.release();
    this.#sessions.delete(actor);
  }

  #connect(actor: Actor): DatabaseSession {
    const sessions = this.#sessions.get(actor) ?? new Set();
    this.#sessions.set(actor, sessions);
    const session = new DatabaseSession(this, actor, () => sessions.delete(session));
    sessions.add(session);
    return session;
  }

  /** One round trip, for whatever it does to the tables. */
  ask<Answer>(actor: Actor, execute: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#time.after(this.#latencyMs(), WORLD, () => {
        let answer: () => void;
        try {
          if (!this.isUp) throw new Error("the database does not answer");
          const value = execute();
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error);
        }
        this.#time.after(this.#latencyMs(), actor, answer);
      });
    });
  }

  isLocked(statement: Statement, transaction: Transaction): boolean {
    if (statement.name !== "move-checkpoint") return false;
    const holder = this.#lockedBy.get(Number(statement.values?.[0]));
    return holder !== undefined && holder !== transaction;
  }

  execute(statement: Statement, transaction: Transaction): Result {
    return this.#execute(statement, transaction);
  }

  /** @returns whether the answer is lost with the connection. */
  commit(transaction: Transaction): boolean {
    const fate = this.#random.next();
    const { aborted, commitUnanswered } = this.faults;
    this.release(transaction);
    if (fate < aborted) throw new Error("the transaction was aborted");
    for (const write of transaction.writes) write();
    return fate < aborted + commitUnanswered;
  }

  /** The session has ended, or its transaction has. */
  release(transaction: Transaction): void {
    for (const partition of transaction.locks) this.#lockedBy.delete(partition);
    transaction.locks.clear();
  }

  #latencyMs(): number {
    return LATENCY_MS.min + (LATENCY_MS.max - LATENCY_MS.min) * this.#random.next();
  }

  #execute(statement: Statement, transaction: Transaction | undefined): Result {
    const { name = "", text, values = [], copied } = statement;
    if (name === "move-checkpoint" || name === "begin-checkpoint") return this.#moveCheckpoint(statement, transaction);
    const rows = this.#read(name, text, values);
    if (rows !== undefined) return resultOf(rows);
    if (copied !== undefined && violatesKey(this.tables, copied)) throw uniqueViolation();
    const write = () => this.#write(statement);
    if (transaction === undefined) write();
    else transaction.writes.push(write);
    return resultOf([]);
  }

  #read(name: string, text: string, values: readonly unknown[]): readonly ModelRow[] | undefined {
    const { tables } = this;
    switch (name) {
      case "read-deliveries":
        return byKeys(tables.deliveries, values[0]);
      case "read-progress":
        return byKeys(tables.deliveries, values[0]).map((row) => ({ ...row, is_final: row.completed_at !== null }));
      case "read-health":
        return byKeys(tables.webhook_health, values[0]);
      case "read-checkpoint":
        return [tables.projector_checkpoint.get(String(values[0]))].filter((row) => row !== undefined);
      case "which-tables":
        return [{ id: 1 }];
      case "read-archive":
        return this.#readArchive(values.map(Number));
      default:
        if (text.includes("from projector_checkpoint")) return [...tables.projector_checkpoint.values()];
        return text.includes("from deliveries d left join webhook_health h") ? this.#candidates(values) : undefined;
    }
  }

  #write(statement: Statement): void {
    switch (statement.name) {
      case "append-to-archive":
        this.#appendToArchive(statement);
        break;
      case "delete-retry-due":
        for (const id of readBinaryArray(Buffer.from(asBytes(statement.values?.[0])))) {
          this.tables.retry_due.delete(String(id));
        }
        break;
      default:
        writeRows(this.tables, statement);
    }
  }

  #moveCheckpoint({ name, values = [] }: Statement, transaction: Transaction | undefined): Result {
    const [partition, stream_epoch_ms, epoch_ms, sequence, fingerprint, fromEpochMs, fromSequence] = values;
    const held = this.tables.projector_checkpoint.get(String(partition));
    const isExpected =
      name === "begin-checkpoint"
        ? held === undefined
        : held !== undefined && held.epoch_ms === fromEpochMs && held.sequence === fromSequence;
    if (!isExpected) return { rows: [], rowCount: 0, command: "UPDATE" };
    const row = { partition, stream_epoch_ms, epoch_ms, sequence, message_fingerprint: fingerprint ?? null };
    const write = () => void this.tables.projector_checkpoint.set(String(partition), row);
    if (transaction === undefined) write();
    else {
      transaction.writes.push(write);
      transaction.locks.add(Number(partition));
      this.#lockedBy.set(Number(partition), transaction);
    }
    return { rows: [], rowCount: 1, command: "UPDATE" };
  }

  #appendToArchive({ values = [] }: Statement): void {
    const [partition, ...arrays] = values;
    const columns = arrays.map((array) => readBinaryArray(Buffer.from(asBytes(array))));
    columns[0]?.forEach((epoch_ms, index) => {
      const [, sequence, stored_at, bytes] = columns.map((column) => column[index]);
      const key = `${partition}/${epoch_ms}/${sequence}`;
      if (this.tables.delivery_log.has(key)) return;
      this.tables.delivery_log.set(key, { partition, epoch_ms, sequence, stored_at, bytes });
    });
  }

  #readArchive([partition, epochMs, sequence, toEpochMs, toSequence, rowsMax]: readonly number[]): readonly ModelRow[] {
    const position = (row: ModelRow) => [Number(row.epoch_ms), Number(row.sequence)] as const;
    const isBehind = ([a, b]: readonly [number, number], c = 0, d = 0) => a > c || (a === c && b > d);
    return [...this.tables.delivery_log.values()]
      .filter((row) => row.partition === partition && isBehind(position(row), epochMs, sequence))
      .filter((row) => !isBehind(position(row), toEpochMs, toSequence))
      .sort((a, b) => (isBehind(position(a), ...position(b)) ? 1 : -1))
      .slice(0, rowsMax);
  }

  /** As `CANDIDATES` of the scheduler's `open-deliveries.ts` says. */
  #candidates([partition, quietSince, , , among]: readonly unknown[]): readonly ModelRow[] {
    const since = Number(quietSince);
    const wanted = Array.isArray(among) ? new Set<unknown>(among) : undefined;
    return [...this.tables.deliveries.values()]
      .filter((row) => row.partition === partition && row.completed_at === null && Number(row.created_at) < since)
      .filter((row) => row.status === "parked" || Number(row.next_attempt_at ?? row.created_at) < since)
      .filter((row) => row.event_type !== null && row.test === false && !this.tables.retry_due.has(String(row.id)))
      .filter((row) => wanted === undefined || wanted.has(row.id))
      .map((row) => ({
        ...row,
        delivery_id: row.id,
        message_id: row.replay_of ?? row.id,
        event_type_prefix: row.event_type_prefix ?? "",
        may_have_been_sent: false,
        ...this.circuitOf(row.webhook_id),
      }));
  }

  /** The columns of the webhook's health that rows of the scheduler carry. */
  circuitOf(webhookId: unknown): ModelRow {
    const health = this.tables.webhook_health.get(String(webhookId));
    return {
      circuit: health?.circuit ?? null,
      circuit_generation: health?.circuit_generation ?? null,
      circuit_changed_at: health?.circuit_changed_at ?? null,
      congested_count: health?.congested_count ?? null,
    };
  }
}

function uniqueViolation(): DatabaseError {
  return Object.assign(new DatabaseError("the row is there already", 0, "error"), { code: "23505" });
}

function byKeys(table: ReadonlyMap<string, ModelRow>, keys: unknown): readonly ModelRow[] {
  return readBinaryArray(Buffer.from(asBytes(keys)))
    .map((key) => table.get(String(key)))
    .filter((row) => row !== undefined);
}
