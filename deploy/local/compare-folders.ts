/** Compares two folders file by file. */

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Paths, relative and sorted, of files that are missing on one side or differ. */
export function differingFiles(left: string, right: string): readonly string[] {
  const paths = new Set([...filesIn(left), ...filesIn(right)]);
  return [...paths].filter((path) => !isSame(join(left, path), join(right, path))).sort();
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function isSame(left: string, right: string): boolean {
  try {
    return readFileSync(left).equals(readFileSync(right));
  } catch {
    return false;
  }
}
