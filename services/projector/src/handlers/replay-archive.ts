/** Folds archived messages again, in the order of their first projection, into whatever tables the session sees. */

import { decodeLogFacts } from "@posthorn/contracts";
import type { Pool, PoolClient } from "@posthorn/database";
import type { LogPosition } from "../core/checkpoint.ts";
import { foldBatch, keysAffectedBy, type LogMessage } from "../core/fold-batch.ts";
import { type ArchivedMessage, readArchive } from "../io/archive.ts";
import type { Statement } from "../io/bulk-insert.ts";
import { readPositions } from "../io/checkpoint-table.ts";
import { changeStatements, readCurrentRows } from "../io/projection-tables.ts";
import { inTransaction, send } from "../io/transaction.ts";
import { type Decodable, isolatePoison } from "./isolate-poison.ts";

export type Replayed = { readonly partition: number; readonly messages: number; readonly upTo: LogPosition };

/** Messages folded at once. */
const BATCH_ROWS_MAX = 128;
const BEFORE_ALL: LogPosition = { epochMs: 0, sequence: 0 };

/** How far each partition has been replayed. */
export type ReplayPositions = Map<number, LogPosition>;

/**
 * Replays what is archived behind the positions when it is called, in a transaction per batch, and moves the positions.
 * What is archived meanwhile is left for another call: a busy projector could be ahead for ever.
 */
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
  await replay(await readPositions(pool), positions, {
    read: (partition, range) => withClient(pool, (client) => readArchive(client, partition, range, BATCH_ROWS_MAX)),
    write: (messages) => isolatePoison(messages, commit),
    onReplayed,
  });
}

/** The same within the caller's transaction. */
export async function replayWithin(client: PoolClient, positions: ReplayPositions): Promise<void> {
  await replay(await readPositions(client), positions, {
    read: (partition, range) => readArchive(client, partition, range, BATCH_ROWS_MAX),
    write: async (messages) => {
      const statements = await statementsFor(client, messages);
      await Promise.all(statements.map((statement) => send(client, statement)));
    },
    onReplayed: () => {},
  });
}

type ReplayMessage = Decodable & { readonly position: LogPosition };

type ReplaySteps = {
  readonly read: (
    partition: number,
    range: { readonly after: LogPosition; readonly upTo: LogPosition },
  ) => Promise<readonly ArchivedMessage[]>;
  readonly write: (messages: readonly ReplayMessage[]) => Promise<unknown>;
  readonly onReplayed: (replayed: Replayed) => void;
};

async function replay(
  ends: ReadonlyMap<number, LogPosition>,
  positions: ReplayPositions,
  { read, write, onReplayed }: ReplaySteps,
): Promise<void> {
  for (const [partition, upTo] of ends) {
    for (;;) {
      const messages = await read(partition, { after: positions.get(partition) ?? BEFORE_ALL, upTo });
      const last = messages.at(-1)?.position;
      if (last === undefined) break;
      await write(messages.map(decoded));
      positions.set(partition, last);
      onReplayed({ partition, messages: messages.length, upTo: last });
    }
  }
}

function decoded({ position, bytes }: ArchivedMessage): ReplayMessage {
  return { position, content: decodeLogFacts(bytes) };
}

async function statementsFor(client: PoolClient, messages: readonly ReplayMessage[]): Promise<readonly Statement[]> {
  const log = messages.map(({ position, content }): LogMessage => {
    return { position, events: content.kind === "decoded" ? content.value : [] };
  });
  const current = await readCurrentRows(client, keysAffectedBy(log));
  return changeStatements(foldBatch(log, current), current, () => false);
}

async function withClient<Result>(pool: Pool, act: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  try {
    return await act(client);
  } finally {
    client.release();
  }
}
