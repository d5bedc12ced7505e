/**
 * Brings a database to the newest schema and gives the services their roles. Any number of processes may do it at the
 * same time: Kysely holds a lock while it migrates, and what is done already is not done again.
 */

import { Kysely, PostgresDialect } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { Client, Pool } from "pg";
import { createArchive } from "./migrations/archive.ts";
import { createConfiguration } from "./migrations/configuration.ts";
import { createControlPlane } from "./migrations/control-plane.ts";
import { createGrants } from "./migrations/grants.ts";
import { createProjections } from "./migrations/projections.ts";
import { createRetention } from "./migrations/retention.ts";
import { ensureRoles, type RolePasswords } from "./roles.ts";

/**
 * Run in the order of their names; what has been released is never changed. They only add, or widen: processes of the
 * release before go on working on the new schema while they are replaced, and after a step back.
 */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-configuration": { up: createConfiguration },
  "0002-archive": { up: createArchive },
  "0003-projections": { up: createProjections },
  "0004-grants": { up: createGrants },
  "0005-control-plane": { up: createControlPlane },
  "0006-retention": { up: createRetention },
};

export type MigrateOptions = { readonly rolePasswords: RolePasswords };

const CONNECT_TIMEOUT_MS = 10_000;

/** @param ownerUrl of a role that may create roles and tables. Throws when Postgres refuses; nothing is half-done. */
export async function migrate(ownerUrl: string, options: MigrateOptions): Promise<void> {
  await withClient(ownerUrl, (client) => ensureRoles(client, options.rolePasswords));
  await migrateSchema(ownerUrl);
}

async function migrateSchema(ownerUrl: string): Promise<void> {
  const pool = new Pool({ connectionString: ownerUrl, max: 2, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  pool.on("error", () => {});
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
    const { error, results } = await migrator.migrateToLatest();
    if (error === undefined) return;
    const failed = results?.find((result) => result.status === "Error")?.migrationName ?? "before the first migration";
    throw new Error(`the database could not be migrated (${failed}): ${String(error)}`, { cause: error });
  } finally {
    await db.destroy();
  }
}

async function withClient(url: string, act: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A connection that breaks between two queries reports here; the next query fails with the reason.
  client.on("error", () => {});
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}
