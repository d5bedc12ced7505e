/** Compares the live projections with those rebuilt aside, row by row and column by column. */

import type { PoolClient } from "@posthorn/database";
import { LIVE_SCHEMA, PROJECTION_TABLES, type ProjectionTable, SIDE_SCHEMA } from "./side-tables.ts";

export type TableDifference = {
  readonly table: ProjectionTable;
  /** Rows that the log does not give as they are, or not at all. */
  readonly onlyLive: number;
  /** Rows that the log gives and that are not live as they are. */
  readonly onlyRebuilt: number;
  /** A few of these rows as JSON, each with where it is. */
  readonly examples: readonly string[];
};

const EXAMPLES_MAX = 3;

export async function compareTables(client: PoolClient): Promise<readonly TableDifference[]> {
  const differences: TableDifference[] = [];
  for (const table of PROJECTION_TABLES) {
    const columns = await comparedColumns(client, table);
    const live = `select ${columns} from ${LIVE_SCHEMA}.${table}`;
    const rebuilt = `select ${columns} from ${SIDE_SCHEMA}.${table} ${table === "retry_due" ? NOT_RELEASED : ""}`;
    const onlyLive = await difference(client, live, `select ${columns} from ${SIDE_SCHEMA}.${table}`);
    const onlyRebuilt = await difference(client, rebuilt, live);
    if (onlyLive.count + onlyRebuilt.count === 0) continue;
    differences.push({
      table,
      onlyLive: onlyLive.count,
      onlyRebuilt: onlyRebuilt.count,
      examples: [
        ...onlyLive.examples.map((row) => `live: ${row}`),
        ...onlyRebuilt.examples.map((row) => `rebuilt: ${row}`),
      ],
    });
  }
  return differences;
}

/** The log does not say what the scheduler has released: what is not live at all is taken for released. */
const NOT_RELEASED = `where delivery_id in (select delivery_id from ${LIVE_SCHEMA}.retry_due)`;
/** The scheduler's own mark is not folded from the log. */
const NOT_PROJECTED = ["claimed_until"];

async function comparedColumns(client: PoolClient, table: ProjectionTable): Promise<string> {
  const { rows } = await client.query<{ columns: string }>(
    `select string_agg(quote_ident(column_name), ', ' order by ordinal_position) as columns
     from information_schema.columns
     where table_schema = $1 and table_name = $2 and column_name <> all($3::text[])`,
    [LIVE_SCHEMA, table, NOT_PROJECTED],
  );
  return rows[0]?.columns ?? "";
}

async function difference(client: PoolClient, left: string, right: string) {
  const { rows } = await client.query<{ count: number; examples: string[] }>(
    `with differing as (${left} except ${right})
     select (select count(*) from differing) as count,
       array(select to_jsonb(differing)::text from differing limit ${EXAMPLES_MAX}) as examples`,
  );
  return rows[0] ?? { count: 0, examples: [] };
}
