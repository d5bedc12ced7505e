/**
 * Brings what api logs into LOG, in every replica all the time. One replica at a time does it, so that the order of an
 * organisation's rows is that of its messages. Rows are deleted after the ack; if a process dies between the two, they
 * are published again, which changes nothing: log events have deterministic ids, and folding one twice is folding it
 * once.
 */

import { createHash } from "node:crypto";
import type { Database } from "@posthorn/database";
import { type OrgId, partitionOf } from "@posthorn/domain";
import { type BusConnection, type Publisher, subjectOf } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { type Kysely, sql, type Transaction } from "kysely";
import { type Outbox, openOutbox } from "./outbox.ts";
import { storedOrgId } from "./stored.ts";

export type LogOutboxPorts = {
  readonly db: Kysely<Database>;
  readonly connection: Pick<BusConnection, "isConnected">;
  readonly publisher: Pick<Publisher, "publish">;
  /** Told how many events have come into LOG. */
  readonly onLogged: (count: number) => void;
  readonly onTrouble: (reason: string) => void;
};

/** Names the lock among all advisory locks of the database: "phlg" in ASCII. */
const DRAIN_LOCK = 0x70_68_6c_67;
/** Rows of one round; as they are read at once, this also bounds a message. */
const DRAIN_ROWS_MAX = 500;
/** Far below what a server takes, above what one event can have. */
const MESSAGE_BYTES_MAX = 256 * 1024;
/** Well within what the answer to a change waits. */
const PUBLISH_MS_MAX = 2_000;
/** A replica that freezes with the lock in its hands loses it after this long. */
const IDLE_MS_MAX = 5_000;

export function openLogOutbox(ports: LogOutboxPorts): Outbox {
  return openOutbox({ drain: () => drain(ports), onTrouble: ports.onTrouble });
}

type Row = { readonly id: number; readonly org_id: string; readonly log_id: string; readonly bytes: Buffer };

/** Until nothing is left of what is there now. Throws when something could not be published. */
async function drain(ports: LogOutboxPorts): Promise<void> {
  for (;;) {
    // Most rounds find nothing: those need no lock and no transaction.
    if (!(await hasRows(ports.db))) return;
    if (!ports.connection.isConnected) throw new Error("NATS is not connected");
    const drained = await ports.db.transaction().execute((transaction) => drainRows(transaction, ports));
    ports.onLogged(drained.logged);
    if (drained.failure !== undefined) throw new Error(drained.failure);
    if (drained.found < DRAIN_ROWS_MAX) return;
  }
}

async function hasRows(db: Kysely<Database>): Promise<boolean> {
  return (await db.selectFrom("log_outbox").select("id").limit(1).executeTakeFirst()) !== undefined;
}

type Drained = { readonly found: number; readonly logged: number; readonly failure: string | undefined };

async function drainRows(transaction: Transaction<Database>, ports: LogOutboxPorts): Promise<Drained> {
  await sql`set local idle_in_transaction_session_timeout = ${sql.lit(IDLE_MS_MAX)}`.execute(transaction);
  await sql`select pg_advisory_xact_lock(${DRAIN_LOCK})`.execute(transaction);
  const rows = await transaction
    .selectFrom("log_outbox")
    .select(["id", "org_id", "log_id", "bytes"])
    .orderBy("id")
    .limit(DRAIN_ROWS_MAX)
    .execute();
  const published = await Promise.all(
    byOrganisation(rows).map(({ orgId, rows: ofOrganisation }) => publishInOrder(ports, orgId, ofOrganisation)),
  );
  const logged = published.flatMap(({ ids }) => ids);
  crashPoint("api.logged");
  if (logged.length > 0) await transaction.deleteFrom("log_outbox").where("id", "in", logged).execute();
  const failure = published.find((of) => of.failure !== undefined)?.failure;
  return { found: rows.length, logged: logged.length, failure };
}

type OfOrganisation = { readonly orgId: OrgId; readonly rows: readonly Row[] };

function byOrganisation(rows: readonly Row[]): readonly OfOrganisation[] {
  const groups = Map.groupBy(rows, (row) => row.org_id);
  return [...groups].map(([org, ofOrganisation]) => ({ orgId: storedOrgId(org), rows: ofOrganisation }));
}

type PublishedRows = { readonly ids: readonly number[]; readonly failure: string | undefined };

/** Each message waits for the one before it: what fails leaves nothing behind it in LOG. */
async function publishInOrder(
  { publisher }: LogOutboxPorts,
  orgId: OrgId,
  rows: readonly Row[],
): Promise<PublishedRows> {
  const ids: number[] = [];
  const subject = subjectOf("LOG", partitionOf(orgId));
  for (const message of messagesOf(rows)) {
    // Batches of events are repeated fields: batches one after the other are one batch of all their events.
    const payload = Buffer.concat(message.map(({ bytes }) => bytes));
    const published = await publisher.publish({ subject, payload, id: messageIdOf(message) }, PUBLISH_MS_MAX);
    if (published.kind !== "stored") {
      return { ids, failure: published.kind === "refused" ? published.message : "NATS did not answer in time" };
    }
    ids.push(...message.map(({ id }) => id));
  }
  return { ids, failure: undefined };
}

function messagesOf(rows: readonly Row[]): readonly (readonly Row[])[] {
  const messages: Row[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    bytes += row.bytes.length;
    const last = messages.at(-1);
    if (last === undefined || bytes > MESSAGE_BYTES_MAX) {
      messages.push([row]);
      bytes = row.bytes.length;
    } else last.push(row);
  }
  return messages;
}

/** The same rows have the same id: a repeat within LOG's window is not even stored. */
function messageIdOf(message: readonly Row[]): string {
  const [only, ...others] = message;
  if (only !== undefined && others.length === 0) return only.log_id;
  const digest = createHash("sha256").update(message.map(({ log_id }) => log_id).join("\n"));
  return `log-outbox:${digest.digest("hex")}`;
}
