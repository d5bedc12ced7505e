/** Very many webhooks in an organisation, in seconds: copies of one, written where the api would have written them. */

import { randomBytes } from "node:crypto";
import { openDatabase } from "@posthorn/database";
import { uuidv7 } from "@posthorn/domain";
import { waitUntil } from "@posthorn/testkit";
import type { TestStack } from "../deploy/local/test-stack.ts";

const INSERT_ROWS_MAX = 5_000;
const COPY_TIMEOUT_MS = 300_000;

/**
 * Copies a webhook, each copy with patterns of its own (`made.<n>.*`, `also.*.<n>`, n from 1 on), and returns when all
 * of them have been copied to the configuration that the services read.
 */
export async function copyWebhooks({ stack }: TestStack, templateId: string, count: number): Promise<void> {
  await using database = openDatabase(stack.databaseUrl, { poolMax: 1, applicationName: "test" });
  const { rows } = await database.pool.query<{ column: string }>(
    `select quote_ident(column_name) as column from information_schema.columns
     where table_name = 'webhooks' and column_name not in ('id', 'patterns', 'created_at')`,
  );
  const copied = rows.map(({ column }) => column).join(", ");
  for (let made = 0; made < count; made += INSERT_ROWS_MAX) {
    const numbers = Array.from({ length: Math.min(INSERT_ROWS_MAX, count - made) }, (_, index) => made + index + 1);
    const ids = numbers.map(() => uuidv7(Date.now(), randomBytes(10)));
    await database.pool.query(
      `with made as (
         insert into webhooks (id, patterns, created_at, ${copied})
         select one.id, array['made.' || one.number || '.*', 'also.*.' || one.number],
           created_at + one.number * interval '1 ms', ${copied}
         from webhooks as template, unnest($2::uuid[], $3::int[]) as one (id, number) where template.id = $1
         returning id, org_id, version
       )
       insert into config_outbox (kind, org_id, entity_id, version, created_at)
       select 'webhook', org_id, id, version, now() from made`,
      [templateId, ids, numbers],
    );
    await waitUntil(async () => (await database.pool.query("select 1 from config_outbox limit 1")).rows.length === 0, {
      timeoutMs: COPY_TIMEOUT_MS,
      everyMs: 100,
      describe: "the configuration to be copied",
    });
  }
  // The server does so by itself within a minute of so many changes.
  await database.pool.query("analyze webhooks");
}
