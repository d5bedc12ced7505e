/** Statements as the services send them to Postgres, and what they get back. */

import { CopyRows, type RowsToCopy } from "@posthorn/database";
import type { ModelRow } from "./tables-model.ts";

export type Statement = {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Of a `copy`. */
  readonly copied?: RowsToCopy;
};

export type Result = { readonly rows: readonly ModelRow[]; readonly rowCount: number; readonly command: string };

/** A transaction's statements are carried out on the tables when it commits. */
export type Transaction = { readonly writes: (() => void)[]; readonly locks: Set<number> };

export function asStatement(given: Statement | CopyRows | string, values: readonly unknown[] = []): Statement {
  if (given instanceof CopyRows) return { name: `copy-${given.given.table}`, text: "copy", copied: given.given };
  return typeof given === "string" ? { text: given, values } : given;
}

export function resultOf(rows: readonly ModelRow[]): Result {
  return { rows, rowCount: rows.length, command: "SELECT" };
}
