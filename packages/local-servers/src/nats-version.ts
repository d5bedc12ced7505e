/** What a NATS server program can do, told from its version. */

import { runTool } from "./run-tool.ts";

const VERSION_TIMEOUT_MS = 5_000;

export interface NatsVersion {
  readonly major: number;
  readonly minor: number;
}

/** Undefined when the text names no version. */
export function parseNatsVersion(text: string): NatsVersion | undefined {
  const found = /\bv?(\d+)\.(\d+)\.\d+/.exec(text);
  return found === null ? undefined : { major: Number(found[1]), minor: Number(found[2]) };
}

/** `sync_interval` came with 2.10; an older server does not start with a setting that it does not know. */
export function knowsSyncInterval(version: NatsVersion | undefined): boolean {
  if (version === undefined) return false;
  return version.major > 2 || (version.major === 2 && version.minor >= 10);
}

export async function readNatsVersion(programPath: string): Promise<NatsVersion | undefined> {
  const result = await runTool(programPath, ["--version"], { timeoutMs: VERSION_TIMEOUT_MS });
  return result.kind === "done" ? parseNatsVersion(result.output) : undefined;
}
