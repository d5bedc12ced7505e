/** Brings the template database to the newest schema. */

import { migrate, type RolePasswords } from "@posthorn/database";

/**
 * Of the services' roles, which belong to the whole server and so are the same in every test database. They hold what a
 * careless quoting would trip over.
 */
export const testRolePasswords: RolePasswords = {
  api: "it's a secret",
  projector: 'with "quotes"',
  scheduler: "p@ss:/?#word",
};

/** `url` is the superuser's, for an empty database. Leaves no connection open, since a copy could not be made then. */
export async function prepareTemplate(url: string): Promise<void> {
  await migrate(url, { rolePasswords: testRolePasswords });
}
