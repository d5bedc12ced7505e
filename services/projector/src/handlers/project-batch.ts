/**
 * Projects a batch: archive, projections and checkpoint in one transaction. The checkpoint is moved first, from where
 * this projector believes it to be: whoever is second finds it moved, writes nothing and has to look anew.
 */

import { type Pool, sqlStateOf } from "@posthorn/database";
import type { LogFact } from "@posthorn/domain";
import { crashPoint } from "@posthorn/service-runtime";
import type { Checkpoint } from "../core/checkpoint.ts";
import { foldBatch, keysAffectedBy, type LogMessage, type ProjectionChanges } from "../core/fold-batch.ts";
import type { Committed, WrittenRows } from "../core/written-rows.ts";
import { type ArchivedMessage, archiveStatement } from "../io/archive.ts";
import { fingerprintOf, moveCheckpoint } from "../io/checkpoint-table.ts";
import type { ReceivedMessage } from "../io/log-inbox.ts";
import { changeStatements, type IsNewEvent, projectionTablesId, readCurrentRows } from "../io/projection-tables.ts";
import { inTransaction } from "../io/transaction.ts";

export type BatchResult =
  | { readonly kind: "committed"; readonly checkpoint: Checkpoint; readonly changes: ProjectionChanges }
  /** Somebody else has moved the checkpoint. */
  | { readonly kind: "overtaken" };

const UNIQUE_VIOLATION = "23505";

/** @param written by the batches before; whatever it says, the rows come out as if everything had been read. */
export async function projectBatch(
  pool: Pool,
  partition: number,
  from: Checkpoint,
  messages: readonly ReceivedMessage[],
  written: WrittenRows,
): Promise<BatchResult> {
  try {
    return await tryToProject(pool, partition, from, messages, written);
  } catch (error) {
    written.forget();
    // A row that was taken for a new one is there already: the log is being read again.
    if (sqlStateOf(error) !== UNIQUE_VIOLATION) throw error;
    return await tryToProject(pool, partition, from, messages, written);
  }
}

async function tryToProject(
  pool: Pool,
  partition: number,
  from: Checkpoint,
  messages: readonly ReceivedMessage[],
  written: WrittenRows,
): Promise<BatchResult> {
  const { epochMs } = from;
  const log = messages.map((message) => logMessage(epochMs, message));
  const archived = messages.map((message) => archivedMessage(epochMs, message));
  const checkpoint = checkpointBehind(from, messages);
  const keys = keysAffectedBy(log);
  const unknown = written.unknownOf(keys, from);
  const committed = await inTransaction<Committed | undefined>(pool, async (client) => {
    const [hasMoved, tablesId, read] = await Promise.all([
      moveCheckpoint(client, partition, from, checkpoint),
      projectionTablesId(client),
      readCurrentRows(client, unknown),
    ]);
    if (!hasMoved) return { kind: "roll-back", result: undefined };
    const isKnown = written.isOf(tablesId);
    const current = isKnown ? written.complete(keys, read) : await readCurrentRows(client, keys);
    const changes = foldBatch(log, current);
    crashPoint("projector.folded");
    const isNewEvent: IsNewEvent = (row) => isKnown && written.isNewEvent(row);
    const statements = [archiveStatement(partition, archived), ...changeStatements(changes, current, isNewEvent)];
    return { kind: "write", statements, result: { keys, current, changes, checkpoint, tablesId } };
  });
  if (committed === undefined) return { kind: "overtaken" };
  written.committed(committed);
  return { kind: "committed", checkpoint, changes: committed.changes };
}

function checkpointBehind(from: Checkpoint, messages: readonly ReceivedMessage[]): Checkpoint {
  const last = messages.at(-1);
  return last === undefined ? from : { ...from, sequence: last.sequence, fingerprint: fingerprintOf(last.bytes) };
}

function archivedMessage(epochMs: number, { sequence, storedAtMs, bytes }: ReceivedMessage): ArchivedMessage {
  return { position: { epochMs, sequence }, storedAtMs, bytes };
}

function logMessage(epochMs: number, { sequence, content }: ReceivedMessage): LogMessage {
  const events: readonly LogFact[] = content.kind === "decoded" ? content.value : [];
  return { position: { epochMs, sequence }, events };
}
