/** The tables that projector and scheduler share, as maps of rows, and the projector's bulk statements carried out on them. */

import { readBinaryArray } from "./read-binary-array.ts";
import type { Statement } from "./statements.ts";

/** By column name, as the driver hands them out: dates as `Date`, absent values as null. */
export type ModelRow = Readonly<Record<string, unknown>>;

const KEYS = {
  delivery_log: ["partition", "epoch_ms", "sequence"],
  deliveries: ["id"],
  attempts: ["delivery_id", "number"],
  events: ["id"],
  retry_due: ["delivery_id"],
  webhook_health: ["webhook_id"],
  webhook_disablings: ["webhook_id", "config_version"],
  projector_checkpoint: ["partition"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type TableName = keyof typeof KEYS;

/** Those that are folded from the log. */
export const PROJECTIONS = ["deliveries", "attempts", "events", "webhook_health", "webhook_disablings"] as const;

export type Tables = { readonly [Name in TableName]: Map<string, ModelRow> };

export function emptyTables(): Tables {
  return {
    delivery_log: new Map(),
    deliveries: new Map(),
    attempts: new Map(),
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
 * Carries out `insert into <table> (...) select ... from unnest(...)`, with or without an `on conflict`, and
 * `update <table> set ... from unnest(...)`, as the projector's bulk statements are written.
 */
export function writeRows(tables: Tables, { text, values = [] }: Statement): void {
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

/** Would the statement insert a row that is there, and has nothing to say of that? */
export function violatesKey(tables: Tables, { text, values = [] }: Statement): boolean {
  const plan = planOf(text);
  const at = plan.columns.indexOf(KEYS[plan.table][0]);
  if (plan.kind !== "add") return false;
  return readBinaryArray(Buffer.from(asBytes(values[at]))).some((key) => tables[plan.table].has(String(key)));
}

type Plan = {
  /** `add`: a row that is there already is an error. */
  readonly kind: "add" | "insert" | "update";
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
    kind: text.startsWith("update") ? "update" : text.includes("on conflict") ? "insert" : "add",
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
