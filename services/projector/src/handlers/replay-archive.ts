/** Folds archived messages again, in the order in which they were first projected, into whatever tables the session sees. */

import { decodeLogEvents } from "@posthorn/contracts";
import type { Pool, PoolClient } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import type { LogPosition } from "../core/checkpoint.ts";
import { foldBatch, keysAffectedBy, type LogMessage } from "../core/fold-batch.ts";
import { type ArchivedMessage, readArchive } from "../io/archive.ts";
import type { Statement } from "../io/bulk-insert.ts";
import { changeStatements, readCurrentRows } from "../io/projection-tables.ts";
import { inTransaction } from "../io/transaction.ts";
import { type Decodable, isolatePoison } from "./isolate-poison.ts";

export type Replayed = { readonly partition: number; readonly messages: number; readonly upTo: LogPosition };

/** Messages folded at once. */
const BATCH_ROWS_MAX = 128;
const BEFORE_ALL: LogPosition = { epochMs: 0, sequence: 0 };

/** How far each partition has been replayed. */
export type ReplayPositions = Map<number, LogPosition>;

/** Replays what is archived behind the positions, in a transaction per batch, and moves the positions. */
export async function replayInBatches(
  pool: Pool,
  positions: ReplayPositions,
  onReplayed: (replayed: Replayed) => void,
): Promise<void> {
  const commit = (messages: readonly ReplayMessage[]) =>
    inTransaction(pool, async (client) => ({
      kind: "write",
      statements: await statementsFor(client, messages),
      result: true,
    }));
  await replay(
    positions,
    onReplayed,
    (act) => withClient(pool, act),
    (messages) => isolatePoison(messages, commit),
  );
}

/** The same within the caller's transaction. */
export async function replayWithin(client: PoolClient, positions: ReplayPositions): Promise<void> {
  const write = async (messages: readonly ReplayMessage[]) => {
    const statements = await statementsFor(client, messages);
    await Promise.all(statements.map((statement) => client.query(statement)));
    return true;
  };
  await replay(
    positions,
    () => {},
    (act) => act(client),
    write,
  );
}

type ReplayMessage = Decodable & { readonly position: LogPosition };
type WithClient = <Result>(act: (client: PoolClient) => Promise<Result>) => Promise<Result>;

async function replay(
  positions: ReplayPositions,
  onReplayed: (replayed: Replayed) => void,
  reading: WithClient,
  write: (messages: readonly ReplayMessage[]) => Promise<boolean>,
): Promise<void> {
  for (const partition of ALL_PARTITIONS) {
    for (;;) {
      const after = positions.get(partition) ?? BEFORE_ALL;
      const messages = await reading((client) => readArchive(client, partition, after, BATCH_ROWS_MAX));
      const upTo = messages.at(-1)?.position;
      if (upTo === undefined) break;
      await write(messages.map(decoded));
      positions.set(partition, upTo);
      onReplayed({ partition, messages: messages.length, upTo });
    }
  }
}

function decoded({ position, bytes }: ArchivedMessage): ReplayMessage {
  return { position, content: decodeLogEvents(bytes) };
}

async function statementsFor(client: PoolClient, messages: readonly ReplayMessage[]): Promise<readonly Statement[]> {
  const log = messages.map(({ position, content }): LogMessage => {
    return { position, events: content.kind === "decoded" ? content.value : [] };
  });
  return changeStatements(foldBatch(log, await readCurrentRows(client, keysAffectedBy(log))));
}

async function withClient<Result>(pool: Pool, act: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  try {
    return await act(client);
  } finally {
    client.release();
  }
}
