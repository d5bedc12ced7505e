/** A database for one test file: a copy of the migrated template, dropped when disposed. */

import { randomUUID } from "node:crypto";
import { createDatabase, dropDatabase } from "@posthorn/local-servers";
import { inject } from "vitest";
import { trackOpen } from "./leak-guard.ts";
import "./provided-context.ts";

export interface TestDatabase extends AsyncDisposable {
  /** Of the superuser. `serviceUrl(url, "projector", testRolePasswords.projector)` is that of a service's role. */
  readonly url: string;
  readonly name: string;
}

/** `empty` starts without the schema, for tests of the migrations themselves. */
export async function createTestDatabase(options: { readonly empty?: boolean } = {}): Promise<TestDatabase> {
  const { postgresUrl, templateDatabase } = inject("sharedServers");
  const name = `posthorn_test_${randomUUID()}`;
  const url = await createDatabase(postgresUrl, name, options.empty === true ? undefined : templateDatabase);
  const close = trackOpen(`test database ${name}`);
  return {
    url,
    name,
    [Symbol.asyncDispose]: async () => {
      await dropDatabase(postgresUrl, name);
      close();
    },
  };
}
