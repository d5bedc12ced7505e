/** Makes the database ready for the services: newest schema, and a role of its own for each service that uses it. */

import { createHmac, randomBytes } from "node:crypto";
import { DATABASE_SERVICES, type DatabaseService, migrate, serviceUrl } from "@posthorn/database";

/** Each service's url, which names its own role. */
export type DatabaseUrls = Readonly<Record<DatabaseService, string>>;

/** `ownerUrl` may create roles and tables. Runs before any service is started, and again at every later start. */
export type PrepareDatabase = (ownerUrl: string) => Promise<DatabaseUrls>;

const RANDOM_KEY_BYTES = 32;

export const prepareDatabase: PrepareDatabase = async (ownerUrl) => {
  const rolePasswords = derivePasswords(ownerUrl);
  await migrate(ownerUrl, { rolePasswords });
  return forEachService((service) => serviceUrl(ownerUrl, service, rolePasswords[service]));
};

/**
 * Passwords that follow from the owner's, who may do everything anyway. Roles belong to the whole server, so two stacks
 * that share one must arrive at the same. Without a password of the owner there is nothing secret to derive them from,
 * and they are random.
 */
export function derivePasswords(ownerUrl: string): Readonly<Record<DatabaseService, string>> {
  const { password } = new URL(ownerUrl);
  const key = password === "" ? randomBytes(RANDOM_KEY_BYTES) : decodeURIComponent(password);
  return forEachService((service) => createHmac("sha256", key).update(`posthorn role ${service}`).digest("base64url"));
}

function forEachService(make: (service: DatabaseService) => string): Readonly<Record<DatabaseService, string>> {
  const entries = DATABASE_SERVICES.map((service) => [service, make(service)] as const);
  return Object.fromEntries(entries) as Record<DatabaseService, string>; // one entry for every name of the list
}
