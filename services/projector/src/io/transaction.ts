/** A transaction on a pipelined connection: statements are sent without waiting for the answers to earlier ones. */

import { copyRows, type Pool, type PoolClient } from "@posthorn/database";
import type { Statement } from "./bulk-insert.ts";

export type Prepared<Result> =
  | { readonly kind: "write"; readonly statements: readonly Statement[]; readonly result: Result }
  | { readonly kind: "roll-back"; readonly result: Result };

/**
 * Begins, lets `prepare` read what it needs, and then writes all of it or nothing. A rejection leaves open whether the
 * transaction was committed when the connection broke; the checkpoint in the database tells.
 */
export async function inTransaction<Result>(
  pool: Pool,
  prepare: (client: PoolClient) => Promise<Prepared<Result>>,
): Promise<Result> {
  const client = await pool.connect();
  let isSound = false;
  try {
    const [, prepared] = await Promise.all([client.query("begin"), prepare(client)]);
    if (prepared.kind === "write") await writeAndCommit(client, prepared.statements);
    else await client.query("rollback");
    isSound = true;
    return prepared.result;
  } finally {
    // Closing the connection ends its transaction, whatever state that is in.
    client.release(!isSound);
  }
}

async function writeAndCommit(client: PoolClient, statements: readonly Statement[]): Promise<void> {
  const answers = statements.map((statement) => send(client, statement));
  const [{ command }] = await Promise.all([client.query("commit"), ...answers]);
  if (command !== "COMMIT") throw new Error(`the transaction ended with ${command}`);
}

/** Rejects when Postgres refuses it; then the transaction has failed. */
export async function send(client: PoolClient, statement: Statement): Promise<void> {
  if (statement.kind === "copy") await copyRows(client, statement);
  else await client.query(statement);
}
