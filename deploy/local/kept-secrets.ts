/** The two keys of an installation: given by the environment, or made once and kept in the data folder. */

import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "@posthorn/local-servers";

const KEY_BYTES = 32;

export interface KeptSecrets {
  /** "ph_sk_" and 64 hexadecimal digits. */
  readonly adminKey: string;
  /** 32 bytes in base64. */
  readonly masterKey: string;
}

/** A key from the environment is used and not kept; whether it is well formed is judged by the services that use it. */
export function openKeptSecrets(env: Environment, dataDir: string): KeptSecrets {
  return {
    adminKey:
      env.POSTHORN_ADMIN_KEY ??
      keep(join(dataDir, "admin-key"), () => `ph_sk_${randomBytes(KEY_BYTES).toString("hex")}`),
    masterKey:
      env.POSTHORN_MASTER_KEY ?? keep(join(dataDir, "master-key"), () => randomBytes(KEY_BYTES).toString("base64")),
  };
}

/** The content of the file, which is made first if it does not exist. Readable by its owner only. */
export function keep(path: string, make: () => string): string {
  try {
    writeFileSync(path, `${make()}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    chmodSync(path, 0o600);
  }
  return readFileSync(path, "utf8").trim();
}
