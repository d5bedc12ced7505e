/** Brings a database to the newest schema and gives the services their roles: run once before a new version starts. */

import { DATABASE_SERVICES, migrate, type RolePasswords } from "@posthorn/database";

const { DATABASE_URL = "" } = process.env;

await migrate(DATABASE_URL, {
  rolePasswords: Object.fromEntries(
    DATABASE_SERVICES.map((service) => [service, passwordOf(service)]),
  ) as RolePasswords, // one entry for each name of the list that the type is made of
});

function passwordOf(service: string): string {
  const variable = `POSTHORN_${service.toUpperCase()}_DATABASE_PASSWORD`;
  const password = process.env[variable];
  if (password === undefined || password === "")
    throw new Error(`${variable} is not set; it must be the role's password.`);
  return password;
}
