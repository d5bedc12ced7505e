/** The few acts on a Postgres server as a whole that starting one and testing with one need. */

import { Client } from "pg";

const CONNECT_TIMEOUT_MS = 2_000;

/** Whether it accepts a connection and answers a query now. */
export async function pingPostgres(url: string): Promise<boolean> {
  try {
    await withClient(url, (client) => client.query("select 1"));
    return true;
  } catch {
    return false;
  }
}

/** Creates an empty database, or a copy of `template`, to which nobody may be connected; returns its url. */
export async function createDatabase(serverUrl: string, name: string, template?: string): Promise<string> {
  const copy = template === undefined ? "" : ` template ${quoteIdentifier(template)}`;
  await withClient(serverUrl, (client) => client.query(`create database ${quoteIdentifier(name)}${copy}`));
  return databaseUrl(serverUrl, name);
}

/** Creates an empty database unless there is one of that name; returns its url. One caller at a time. */
export async function createDatabaseIfMissing(serverUrl: string, name: string): Promise<string> {
  await withClient(serverUrl, async (client) => {
    const existing = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (existing.rowCount === 0) await client.query(`create database ${quoteIdentifier(name)}`);
  });
  return databaseUrl(serverUrl, name);
}

/** Drops a database if it exists, ending the connections to it. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, (client) =>
    client.query(`drop database if exists ${quoteIdentifier(name)} with (force)`),
  );
}

async function withClient(url: string, act: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A connection that breaks while it is idle reports here too; the query's own error is the one that counts.
  client.on("error", () => {});
  try {
    await client.connect();
    await act(client);
  } finally {
    await client.end().catch(() => {});
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
