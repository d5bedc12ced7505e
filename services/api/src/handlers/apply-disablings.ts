/**
 * Takes webhooks out of service that the engine has judged, unless somebody changed them since: then it was another
 * webhook that was judged. Every replica does it all the time; the version lets one of them succeed.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { ENGINE_ACTOR } from "../core/actor.ts";
import { recordAudit } from "../io/record-audit.ts";
import type { Disabling, ReadDisablings } from "../io/webhook-disablings.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { Chance } from "./chance.ts";

export type ApplyDisablingsPorts = {
  readonly readDisablings: ReadDisablings;
  readonly webhooks: Pick<Webhooks, "disable">;
  /** Brings what was applied to the data plane. */
  readonly settled: () => Promise<boolean>;
  readonly chance: Chance;
  readonly onDisabled: (disabling: Disabling) => void;
  readonly onTrouble: (reason: string) => void;
};

const LOOK_EVERY_MS = 1_000;
/** Besides, when Postgres does not answer. */
const TROUBLE_WAIT_MS = 1_000;
/** Most looks go back this far only: what is old has been applied, or was about an earlier version. */
const RECENT_MS = 10 * 60_000;
/** All of them are looked at as often, for what came when no api was there. */
const LOOK_AT_ALL_EVERY_MS = 60_000;

export function keepDisabling(ports: ApplyDisablingsPorts): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function keep(): Promise<void> {
    let allSeenAtMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const isForAll = performance.now() - allSeenAtMs >= LOOK_AT_ALL_EVERY_MS;
      try {
        await applyDisablings(ports, isForAll ? 0 : ports.chance.nowMs() - RECENT_MS);
        if (isForAll) allSeenAtMs = performance.now();
      } catch (error) {
        ports.onTrouble(error instanceof Error ? error.message : String(error));
        await pause(TROUBLE_WAIT_MS, signal);
      }
      await pause(LOOK_EVERY_MS, signal);
    }
  }
  const keeping = keep();
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await keeping;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

async function applyDisablings(ports: ApplyDisablingsPorts, sinceMs: number): Promise<void> {
  const disablings = await ports.readDisablings(sinceMs);
  for (const disabling of disablings) {
    if (await disable(ports, disabling)) ports.onDisabled(disabling);
  }
  if (disablings.length > 0) await ports.settled();
}

function disable({ webhooks, chance }: ApplyDisablingsPorts, disabling: Disabling): Promise<boolean> {
  const { orgId, webhookId, version, reason } = disabling;
  const what = { action: "disableWebhook", actor: ENGINE_ACTOR, fields: ["is_active", "disabled_reason"] };
  const change = { orgId, subjectKind: "webhook", subjectId: webhookId, ...what, requestId: "" } as const;
  return webhooks.disable(orgId, webhookId, { version, reason, nowMs: chance.nowMs() }, (transaction) =>
    recordAudit(transaction, change, chance),
  );
}
