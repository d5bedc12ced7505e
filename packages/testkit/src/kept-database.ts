/** Keeps a copy of a test's database and puts it back later, under whoever uses it: a restore of an older backup. */

import { openDatabase } from "@posthorn/database";
import { createDatabase, dropDatabase } from "@posthorn/local-servers";
import { inject } from "vitest";
import { trackOpen } from "./leak-guard.ts";
import "./provided-context.ts";

export interface KeptDatabase extends AsyncDisposable {
  /** Cuts all connections and puts the database back as it was when it was kept. */
  putBack(): Promise<void>;
}

/** Cuts all connections for the copy. @param url of the database. */
export async function keepDatabase(url: string): Promise<KeptDatabase> {
  const { postgresUrl } = inject("sharedServers");
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const copy = `${name}_kept`;
  await withoutConnections(postgresUrl, name, () => createDatabase(postgresUrl, copy, name));
  const close = trackOpen(`copy of the database ${name}`);
  return {
    putBack: async () => {
      await dropDatabase(postgresUrl, name);
      await createDatabase(postgresUrl, name, copy);
    },
    [Symbol.asyncDispose]: async () => {
      await dropDatabase(postgresUrl, copy);
      close();
    },
  };
}

async function withoutConnections(serverUrl: string, name: string, act: () => Promise<unknown>): Promise<void> {
  await using server = openDatabase(serverUrl, { poolMax: 1, applicationName: "test-keep" });
  const quoted = `"${name}"`;
  await server.pool.query(`alter database ${quoted} with allow_connections false`);
  try {
    await server.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
    await act();
  } finally {
    await server.pool.query(`alter database ${quoted} with allow_connections true`);
  }
}
