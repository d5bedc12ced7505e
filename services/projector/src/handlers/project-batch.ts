/**
 * Projects a batch: archive, projections and checkpoint in one transaction. The checkpoint is moved first, from where
 * this projector believes it to be: whoever is second finds it moved, writes nothing and has to look anew.
 */

import type { Pool } from "@posthorn/database";
import type { LogEvent } from "@posthorn/domain";
import type { Checkpoint } from "../core/checkpoint.ts";
import { foldBatch, keysAffectedBy, type LogMessage, type ProjectionChanges } from "../core/fold-batch.ts";
import { type ArchivedMessage, archiveStatement } from "../io/archive.ts";
import { fingerprintOf, moveCheckpoint } from "../io/checkpoint-table.ts";
import type { ReceivedMessage } from "../io/log-inbox.ts";
import { changeStatements, readCurrentRows } from "../io/projection-tables.ts";
import { inTransaction } from "../io/transaction.ts";

export type BatchResult =
  | { readonly kind: "committed"; readonly checkpoint: Checkpoint; readonly changes: ProjectionChanges }
  /** Somebody else has moved the checkpoint. */
  | { readonly kind: "overtaken" };

export async function projectBatch(
  pool: Pool,
  partition: number,
  from: Checkpoint,
  messages: readonly ReceivedMessage[],
): Promise<BatchResult> {
  const { epochMs } = from;
  const log = messages.map((message) => logMessage(epochMs, message));
  const archived = messages.map((message) => archivedMessage(epochMs, message));
  const checkpoint = checkpointBehind(from, messages);
  const keys = keysAffectedBy(log);
  return await inTransaction<BatchResult>(pool, async (client) => {
    const [hasMoved, current] = await Promise.all([
      moveCheckpoint(client, partition, from, checkpoint),
      readCurrentRows(client, keys),
    ]);
    if (!hasMoved) return { kind: "roll-back", result: { kind: "overtaken" } };
    const changes = foldBatch(log, current);
    const statements = [archiveStatement(partition, archived), ...changeStatements(changes)];
    return { kind: "write", statements, result: { kind: "committed", checkpoint, changes } };
  });
}

function checkpointBehind(from: Checkpoint, messages: readonly ReceivedMessage[]): Checkpoint {
  const last = messages.at(-1);
  return last === undefined ? from : { ...from, sequence: last.sequence, fingerprint: fingerprintOf(last.bytes) };
}

function archivedMessage(epochMs: number, { sequence, storedAtMs, bytes }: ReceivedMessage): ArchivedMessage {
  return { position: { epochMs, sequence }, storedAtMs, bytes };
}

function logMessage(epochMs: number, { sequence, content }: ReceivedMessage): LogMessage {
  const events: readonly LogEvent[] = content.kind === "decoded" ? content.value : [];
  return { position: { epochMs, sequence }, events };
}
