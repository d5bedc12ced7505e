/** How Postgres goes about the lists of a long history: along an index, and no further than the page is long. */

import { randomUUID } from "node:crypto";
import { type Database, type OpenDatabase, openDatabase, type Pool } from "@posthorn/database";
import { type OrgId, parseEventId, parseOrgId, parseWebhookId, type WebhookId } from "@posthorn/domain";
import { createTestDatabase } from "@posthorn/testkit";
import { type CompiledQuery, Kysely, type LogEvent, PostgresDialect } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openMountedDeliveries } from "./compat/mounted-deliveries.ts";
import { parsed } from "./history.fixture.ts";
import { type DeliveryFilter, openDeliveries } from "./io/deliveries.ts";
import { openEvents } from "./io/events-table.ts";

const ROWS = 20_000;
const WEBHOOKS = 4;
const PAGE = 50;
/** Of a history this short Postgres would rather sort what a rare filter leaves. */
const SORTS_ARE_DEAR = { enable_sort: "off", enable_incremental_sort: "off", enable_bitmapscan: "off" };
const BEGAN_AT_MS = Date.parse("2026-03-24T13:37:00.000Z");
const MIDDLE_MS = BEGAN_AT_MS + ROWS / 2;
const CURSOR = { createdAtMs: MIDDLE_MS, id: randomUUID() };

const org: OrgId = parsed(parseOrgId(randomUUID()));
const webhooks = Array.from({ length: WEBHOOKS }, () => parsed(parseWebhookId(randomUUID())));
const webhookId: WebhookId = parsed(webhooks[0]);
const eventId = parsed(parseEventId("01890a5d-ac96-774b-bcce-000000000007"));

const stack = new AsyncDisposableStack();
let database: OpenDatabase;
let unsorted: OpenDatabase;

beforeAll(async () => {
  const { url } = stack.use(await createTestDatabase());
  const options = { poolMax: 1, applicationName: "plans-test" };
  database = stack.use(openDatabase(url, options));
  unsorted = stack.use(openDatabase(url, { ...options, sessionSettings: SORTS_ARE_DEAR }));
  const { pool } = database;
  // Half of them are another organisation's; a millisecond lies between two, one in 50 has failed for good.
  await pool.query(
    `create temp table made as
     select n, gen_random_uuid() as id, ('01890a5d-ac96-774b-bcce-' || lpad(n::text, 12, '0'))::uuid as event_id,
       case when n % 2 = 0 then $1::uuid else $2::uuid end as org_id,
       case when n % 2 = 0 then ($3::uuid[])[1 + n / 2 % $4] else $2::uuid end as webhook_id,
       $5::timestamptz + n * interval '1 ms' as at
     from generate_series(1, ${2 * ROWS}) as n`,
    [org, randomUUID(), webhooks, WEBHOOKS, new Date(BEGAN_AT_MS)],
  );
  await pool.query(
    `insert into deliveries (id, partition, org_id, event_id, webhook_id, event_type, created_at, accepted_at,
       completed_at, status, attempt_count, release, repeated_attempts, log_epochs, log_sequences)
     select id, 0, org_id, event_id, webhook_id, case when n % 1000 < 2 then 'rare.event' else 'agent.status' end, at, at,
       at, case when n % 100 < 2 then 'exhausted' else 'delivered' end, 1, 0, 0, '{1}', '{1}' from made`,
  );
  await pool.query(
    `insert into events (id, org_id, accepted_at, place_epoch_ms, place_sequence, place_index, type, traceparent,
       caller_id)
     select event_id, org_id, at, 1, n, 0, 'agent.status', '', 'caller-' || n % 10 from made`,
  );
  await pool.query("vacuum (analyze) deliveries, events");
});
afterAll(() => stack.disposeAsync());

type Act = (db: Kysely<Database>) => Promise<unknown>;

/** What Postgres does for each query with an order that the act makes, as `explain` says it. */
async function plansOf({ pool }: OpenDatabase, act: Act): Promise<readonly string[]> {
  const made: CompiledQuery[] = [];
  const log = ({ query }: LogEvent) => void made.push(query);
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }), log });
  await act(db);
  const ordered = made.filter(({ sql }) => sql.includes("order by"));
  return Promise.all(ordered.map(({ sql, parameters }) => planOf(pool, sql, parameters)));
}

async function planOf(pool: Pool, sql: string, parameters: readonly unknown[]): Promise<string> {
  const { rows } = await pool.query<{ "QUERY PLAN": string }>(`explain ${sql}`, [...parameters]);
  return rows.map((row) => row["QUERY PLAN"]).join("\n");
}

async function expectBackwards(index: string, act: Act, scan: "Index Scan" | "Index Only Scan" = "Index Scan") {
  const plans = await plansOf(unsorted, act);
  expect(plans).toHaveLength(1);
  for (const plan of plans) {
    expect(plan).toContain(`${scan} Backward using ${index}`);
    expect(plan).not.toContain("Sort");
    expect(plan).not.toContain("Seq Scan");
  }
}

const PAGES = [
  ["the first page", { limit: PAGE }],
  ["a page behind a cursor", { limit: PAGE, cursor: CURSOR }],
] as const;
const FILTERS: readonly (readonly [string, DeliveryFilter])[] = [
  ["of everything", {}],
  ["of what failed for good", { status: "exhausted" }],
  ["of what was delivered", { success: true }],
  ["of what failed so far", { success: false }],
  ["of a rare type", { event: "rare.event" }],
  ["of a pattern", { event: "rare.*" }],
  ["of a time", { sinceMs: BEGAN_AT_MS + 1_000, untilMs: MIDDLE_MS + 1_000 }],
  ["of all that at once", { success: false, event: "rare.*", untilMs: MIDDLE_MS }],
];

describe.each(PAGES)("%s", (_, page) => {
  it.each(FILTERS)("%s goes backwards along the organisation's deliveries, or its webhook's", async (_what, filter) => {
    // The rows of all other types are not read.
    const scan = filter.event === undefined ? "Index Scan" : "Index Only Scan";
    const list =
      (of: DeliveryFilter): Act =>
      (db) =>
        openDeliveries(db).list(org, { ...filter, ...of }, page);
    await expectBackwards("deliveries_of_org", list({}), scan);
    await expectBackwards("deliveries_of_webhook", list({ webhookId }), scan);
  });

  it("of one event's deliveries looks at these only", async () => {
    const [plan] = await plansOf(database, (db) => openDeliveries(db).list(org, { eventId }, page));
    expect(plan).toContain("Index Scan using deliveries_of_event");
  });
});

it.each([{}, { event: "rare.event" }, { success: false }])(
  "a mount's page of a webhook does, too: %j",
  async (filter) => {
    const list: Act = (db) =>
      openMountedDeliveries(db, async () => ({ kind: "unknown" })).list({ orgId: org, webhookId }, filter, {
        skip: 100,
        limit: PAGE,
      });
    await expectBackwards("deliveries_of_webhook", list);
  },
);

it("the newest event of a publisher's id is the last one of its index", async () => {
  await expectBackwards("events_of_caller", (db) => openEvents(db).newestOf(org, "caller-2"));
});
