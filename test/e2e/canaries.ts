/** Secrets that a test sows, and the search for them in whatever the engine wrote, said or stored. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Named, so that a find can be told without telling the secret. */
export type Canary = { readonly name: string; readonly forms: readonly Buffer[] };

const STANDARD_PREFIX = /^wh[sp]ec_|^whsk_/;

/** As text, as hex and as base64 at every offset; of a Standard Webhooks secret also the key itself. */
export function canaryOf(name: string, secret: string): Canary {
  const bytes = Buffer.from(secret);
  const forms = [secret, bytes.toString("hex"), ...base64Forms(bytes)].map((form) => Buffer.from(form));
  if (!STANDARD_PREFIX.test(secret)) return { name, forms };
  const encoded = secret.replace(STANDARD_PREFIX, "");
  const key = Buffer.from(encoded, "base64");
  return { name, forms: [...forms, Buffer.from(encoded), key, Buffer.from(key.toString("hex"))] };
}

/** What of the base64 of a longer text is the same whatever stands around the bytes. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const first = Math.ceil((offset * 4) / 3);
    const last = Math.floor(((offset + bytes.length) * 4) / 3);
    return encoded.slice(first, last);
  });
}

/** @returns the names of the canaries that are in it. */
export function findCanaries(hay: string | Uint8Array, canaries: readonly Canary[]): string[] {
  const bytes = typeof hay === "string" ? Buffer.from(hay) : Buffer.from(hay.buffer, hay.byteOffset, hay.byteLength);
  return canaries.filter(({ forms }) => forms.some((form) => bytes.includes(form))).map(({ name }) => name);
}

/** Every file below a folder, with what it holds now. */
export function* filesBelow(folder: string): Generator<{ readonly path: string; readonly bytes: Buffer }> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readIfThere(path);
    if (bytes !== undefined) yield { path, bytes };
  }
}

/** Servers remove files while we read. */
function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
