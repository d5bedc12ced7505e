/**
 * The log file of one process. The process writes to it by itself, so its last words survive the supervisor; the
 * supervisor only reads along.
 */

import { closeSync, openSync, readSync, renameSync, statSync } from "node:fs";

/** A log above this size is put aside as "<name>.log.1" when its process starts. */
export const LOG_BYTES_MAX = 10 * 1024 * 1024;
/** What is read at once; the rest comes with the next read. */
const READ_BYTES_MAX = 64 * 1024;

export interface ProcessLog {
  readonly path: string;
  /** Call before the process is started: nobody may be writing. */
  rotate(): void;
  /** The complete lines that were added since the last call, or since the log was opened. */
  readNewLines(): readonly string[];
}

export function openProcessLog(path: string): ProcessLog {
  let offset = sizeOf(path);
  let unfinished = "";
  return {
    path,
    rotate: () => {
      if (sizeOf(path) <= LOG_BYTES_MAX) return;
      renameSync(path, `${path}.1`);
      offset = 0;
      unfinished = "";
    },
    readNewLines: () => {
      const chunk = readFrom(path, offset);
      offset += chunk.length;
      const lines = (unfinished + chunk.toString("utf8")).split("\n");
      unfinished = lines.pop() ?? "";
      return lines;
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readFrom(path: string, offset: number): Buffer {
  const length = Math.min(sizeOf(path) - offset, READ_BYTES_MAX);
  if (length <= 0) return Buffer.alloc(0);
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, offset));
  } finally {
    closeSync(file);
  }
}
