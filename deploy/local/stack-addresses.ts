/** Tells other commands, such as `npm run rebuild`, where the servers of the stack on a data folder are. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface StackAddresses {
  readonly natsUrl: string;
  /** Of the role that owns the schema, with its password. */
  readonly databaseUrl: string;
}

/** Readable by the owner only. Disposing it removes the file. */
export function writeAddresses(dataDir: string, addresses: StackAddresses): Disposable {
  const path = addressesPath(dataDir);
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(addresses), { mode: 0o600 });
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/** Undefined when no stack runs on the folder; after a SIGKILL of its supervisor the addresses may be stale. */
export function readAddresses(dataDir: string): StackAddresses | undefined {
  try {
    return JSON.parse(readFileSync(addressesPath(dataDir), "utf8")) as StackAddresses; // written by this module
  } catch {
    return undefined;
  }
}

function addressesPath(dataDir: string): string {
  return join(dataDir, "addresses.json");
}
