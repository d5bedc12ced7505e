/** The tables that projector and scheduler share, as maps of rows, and the projector's bulk statements carried out on them. */

import type { RowsToCopy } from "@posthorn/database";
import { readBinaryArray, readCopiedRows } from "./read-binary-array.ts";
import type { Statement } from "./statements.ts";

/** By column name, as the driver hands them out: dates as `Date`, absent values as null. */
export type ModelRow = Readonly<Record<string, unknown>>;

const KEYS = {
  delivery_log: ["partition", "epoch_ms", "sequence"],
  deliveries: ["id"],
  events: ["id"],
  retry_due: ["delivery_id"],
  webhook_health: ["webhook_id"],
  webhook_disablings: ["webhook_id", "config_version"],
  projector_checkpoint: ["partition"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type TableName = keyof typeof KEYS;

/** Those that are folded from the log. */
export const PROJECTIONS = ["deliveries", "events", "webhook_health", "webhook_disablings"] as const;

export type Tables = { readonly [Name in TableName]: Map<string, ModelRow> };

export function emptyTables(): Tables {
  return {
    delivery_log: new Map(),
    deliveries: new Map(),
    events: new Map(),
    retry_due: new Map(),
    webhook_health: new Map(),
    webhook_disablings: new Map(),
    projector_checkpoint: new Map(),
  };
}

export function keyOf(table: TableName, row: ModelRow): string {
  return KEYS[table].map((column) => String(row[column])).join("/");
}

/**
 * Carries out `copy <table>`, `insert into <table> (...) select ... from unnest(...) on conflict ...` and
 * `update <table> set ... from unnest(...)`, as the projector's bulk statements are written.
 */
export function writeRows(tables: Tables, { text, values = [], copied }: Statement): void {
  if (copied !== undefined) {
    for (const [key, row] of rowsByKey(copied)) tables[tableNamed(copied.table)].set(key, row);
    return;
  }
  const plan = planOf(text);
  const columns = values.map((array) => readBinaryArray(Buffer.from(asBytes(array))));
  const table = tables[plan.table];
  for (let index = 0; index < (columns[0]?.length ?? 0); index += 1) {
    const row: Record<string, unknown> = { ...plan.defaults };
    plan.columns.forEach((name, column) => {
      const value = columns[column]?.[index];
      row[name] = plan.lists.has(name) ? numbersOf(String(value)) : value;
    });
    const key = keyOf(plan.table, row);
    const held = table.get(key);
    if (held === undefined && plan.kind !== "update") table.set(key, row);
    else if (held !== undefined && plan.kind === "update") table.set(key, { ...held, ...row });
    else if (held !== undefined && plan.updates !== undefined) {
      table.set(key, { ...held, ...picked(row, plan.updates), ...plan.defaults });
    }
  }
}

/** Would a row be copied that is there? */
export function violatesKey(tables: Tables, copied: RowsToCopy): boolean {
  return rowsByKey(copied).some(([key]) => tables[tableNamed(copied.table)].has(key));
}

function rowsByKey(copied: RowsToCopy): readonly (readonly [string, ModelRow])[] {
  return readCopiedRows(copied).map((fields) => {
    const row = Object.fromEntries(copied.columns.map(({ name }, index) => [name, fields[index]]));
    return [keyOf(tableNamed(copied.table), row), row];
  });
}

function tableNamed(name: string): TableName {
  if (!isTable(name)) throw new Error(`the model does not know the table ${name}`);
  return name;
}

type Plan = {
  readonly kind: "insert" | "update";
  readonly table: TableName;
  readonly columns: readonly string[];
  /** Of numbers: they come as text. */
  readonly lists: ReadonlySet<string>;
  /** Of an insert; undefined: what exists stays as it is. */
  readonly updates: readonly string[] | undefined;
  readonly defaults: ModelRow;
};

const plans = new Map<string, Plan>();
const STATEMENT = /^(?:insert into|update) (\w+) .*? as given \(([^)]*)\)/s;

function planOf(text: string): Plan {
  const known = plans.get(text);
  if (known !== undefined) return known;
  const [, name = "", columns = ""] = STATEMENT.exec(text) ?? [];
  if (!isTable(name)) throw new Error(`the model does not know the statement: ${text}`);
  const updates = [...text.matchAll(/(\w+) = excluded/g)].map((match) => match[1] ?? "");
  const plan: Plan = {
    kind: text.startsWith("update") ? "update" : "insert",
    table: name,
    columns: columns.split(", "),
    lists: new Set([...text.matchAll(/(\w+)::bigint\[\]/g)].map((match) => match[1] ?? "")),
    updates: updates.length === 0 ? undefined : updates,
    defaults: name === "retry_due" ? { claimed_until: null } : {},
  };
  plans.set(text, plan);
  return plan;
}

function isTable(name: string): name is TableName {
  return Object.hasOwn(KEYS, name);
}

function picked(row: ModelRow, columns: readonly string[]): ModelRow {
  return Object.fromEntries(columns.map((column) => [column, row[column]]));
}

function numbersOf(text: string): readonly number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(Number);
}

export function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error("the model expects an array in Postgres' binary format");
}
