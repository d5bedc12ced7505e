/** Notes when API keys were last used: gathered here, written now and then, because nobody reads it to the second. */

import type { ApiKeyId } from "@posthorn/domain";
import type { ApiKeys } from "./api-keys.ts";
import { nowAndThen } from "./now-and-then.ts";

export interface KeyUsage extends AsyncDisposable {
  note(id: ApiKeyId): void;
}

/** How old `last_used_at` may be, and what a crash may lose of it. */
const WRITE_EVERY_MS = 15_000;

/** @param onTrouble told when a write failed; the next use of the key makes up for it. */
export function openKeyUsage(
  apiKeys: Pick<ApiKeys, "noteUse">,
  nowMs: () => number,
  onTrouble: (reason: string) => void,
): KeyUsage {
  const used = new Set<ApiKeyId>();

  async function write(): Promise<void> {
    if (used.size === 0) return;
    const ids = [...used];
    used.clear();
    await apiKeys.noteUse(ids, nowMs());
  }
  const writing = nowAndThen({ everyMs: WRITE_EVERY_MS, act: write, onTrouble });

  return {
    note: (id) => void used.add(id),
    [Symbol.asyncDispose]: async () => {
      await writing[Symbol.asyncDispose]();
      await write().catch((error: unknown) => onTrouble(String(error)));
    },
  };
}
