/** Takes webhooks out of service that have only failed for too long: the log says so, `api` applies it. */

import type { OpenDatabase } from "@posthorn/database";
import { partitionOf } from "@posthorn/domain";
import { disabling, type FailingWebhook } from "../core/failing-webhooks.ts";
import type { SchedulerEvents } from "../events.ts";
import { findFailing } from "../io/failing-rows.ts";
import type { WriteLog } from "../io/log-writer.ts";
import type { KnowsWebhook } from "./lane-board.ts";
import type { Tenure } from "./tenure.ts";

export type DisablePorts = {
  readonly pool: OpenDatabase["pool"];
  readonly writeLog: WriteLog;
  readonly knownWebhook: KnowsWebhook;
  /** When this process first saw the webhook as it is configured now. */
  readonly seenAtMs: (webhook: FailingWebhook) => number;
  readonly events: SchedulerEvents;
  readonly disableAfterMs: number;
  readonly nowMs: () => number;
};

export async function disableFailing(ports: DisablePorts, tenures: readonly Tenure[]): Promise<void> {
  const nowMs = ports.nowMs();
  const { disableAfterMs } = ports;
  const owned = new Set(tenures.map(({ partition }) => partition));
  for (const webhook of await findFailing(ports.pool, nowMs - disableAfterMs)) {
    if (!owned.has(partitionOf(webhook.orgId))) continue;
    const event = disabling(webhook, ports.knownWebhook(webhook), ports.seenAtMs(webhook), disableAfterMs, nowMs);
    if (event === undefined) continue;
    await ports.writeLog([event]);
    ports.events.disabled(webhook.webhookId);
  }
}
