/** The services' roles. Roles belong to the whole server, so they are made outside the migrations of one database. */

import { type Client, DatabaseError, escapeIdentifier, escapeLiteral } from "pg";

/** Services that use Postgres, each with a role of its own that owns nothing. */
export const DATABASE_SERVICES = ["api", "projector", "scheduler"] as const;
export type DatabaseService = (typeof DATABASE_SERVICES)[number];

export type RolePasswords = Readonly<Record<DatabaseService, string>>;

export function roleOf(service: DatabaseService): string {
  return `posthorn_${service}`;
}

/** `ownerUrl` with the service's role and password in place of the owner's. */
export function serviceUrl(ownerUrl: string, service: DatabaseService, password: string): string {
  const url = new URL(ownerUrl);
  url.username = roleOf(service);
  url.password = encodeURIComponent(password);
  return url.href;
}

const TRIES_MAX = 10;
const RETRY_WAIT_MS = 50;
/** Another database of the same server makes or changes the role at this moment. */
const CONCURRENT_CHANGE_CODES = new Set(["42710", "23505", "XX000"]);

/** Makes what is missing and sets every password; the passwords never reach a table that services can read. */
export async function ensureRoles(client: Client, passwords: RolePasswords): Promise<void> {
  for (const service of DATABASE_SERVICES) {
    await untilNobodyInterferes(() => ensureRole(client, roleOf(service), passwords[service]));
  }
}

async function ensureRole(client: Client, role: string, password: string): Promise<void> {
  const existing = await client.query("select 1 from pg_roles where rolname = $1", [role]);
  const verb = existing.rowCount === 0 ? "create" : "alter";
  const attributes = `login nosuperuser nocreatedb nocreaterole password ${escapeLiteral(password)}`;
  await client.query(`${verb} role ${escapeIdentifier(role)} ${attributes}`);
}

async function untilNobodyInterferes(act: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      const mayPass = error instanceof DatabaseError && CONCURRENT_CHANGE_CODES.has(error.code ?? "");
      if (!mayPass || tries === TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_WAIT_MS * tries));
    }
  }
}
