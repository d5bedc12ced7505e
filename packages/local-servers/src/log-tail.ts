/** The end of a log file, for error messages that must say why a server did not start. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const TAIL_BYTES_MAX = 4_096;
const TAIL_LINES_MAX = 15;

/** The last 15 lines, or "" when the file does not exist or is empty. */
export function readLogTail(logFile: string): string {
  let file: number;
  try {
    file = openSync(logFile, "r");
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES_MAX));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8").trimEnd().split("\n").slice(-TAIL_LINES_MAX).join("\n");
  } finally {
    closeSync(file);
  }
}
