/**
 * One connection to the modelled Postgres: its statements are carried out in the order in which they were sent, and none
 * any more after one that failed. It stands for a client of the pool of `pg`.
 */

import { CopyRows } from "@posthorn/database";
import { asStatement, type Result, resultOf, type Statement, type Transaction } from "./statements.ts";
import type { Actor } from "./virtual-time.ts";

/** What a connection asks of the server. */
export type SessionServer = {
  ask<Answer>(actor: Actor, execute: () => Answer): Promise<Answer>;
  execute(statement: Statement, transaction: Transaction): Result;
  /** Somebody else has moved the checkpoint that the statement is about, and not committed yet. */
  isLocked(statement: Statement, transaction: Transaction): boolean;
  /** @returns whether the answer is lost with the connection. */
  commit(transaction: Transaction): boolean;
  release(transaction: Transaction): void;
};

export class DatabaseSession {
  readonly #database: SessionServer;
  readonly #actor: Actor;
  readonly #transaction: Transaction = { writes: [], locks: new Set() };
  readonly #onReleased: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #isBroken = false;

  constructor(database: SessionServer, actor: Actor, onReleased: () => void) {
    this.#database = database;
    this.#actor = actor;
    this.#onReleased = onReleased;
  }

  query(given: Statement | CopyRows | string, values?: readonly unknown[]): Promise<Result> {
    const statement = asStatement(given, values);
    const result = this.#last.then(() => this.#carryOut(statement));
    this.#last = result.catch(() => {
      this.#isBroken = true;
    });
    if (given instanceof CopyRows) result.then(() => given.onAnswer(), given.onAnswer);
    return result;
  }

  release(): void {
    this.#isBroken = true;
    this.#database.release(this.#transaction);
    this.#onReleased();
  }

  async #carryOut(statement: Statement): Promise<Result> {
    for (;;) {
      const result = await this.#database.ask(this.#actor, () => this.#execute(statement));
      if (result !== "locked") return result;
    }
  }

  #execute(statement: Statement): Result | "locked" {
    const { text } = statement;
    if (this.#isBroken) throw new Error("the connection broke");
    if (text === "begin") return { ...resultOf([]), command: "BEGIN" };
    if (text === "rollback") {
      this.#database.release(this.#transaction);
      return { ...resultOf([]), command: "ROLLBACK" };
    }
    if (text === "commit") {
      const isUnanswered = this.#database.commit(this.#transaction);
      if (isUnanswered) throw new Error("the connection broke");
      return { ...resultOf([]), command: "COMMIT" };
    }
    if (this.#database.isLocked(statement, this.#transaction)) return "locked";
    return this.#database.execute(statement, this.#transaction);
  }
}
