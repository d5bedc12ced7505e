/**
 * How long after its acceptance a delivery is shown as delivered by the api: asked of a few deliveries from the
 * publisher's answer on, every ten milliseconds and later less often. An engine that falls behind would otherwise be
 * asked ever more, and fall behind for that.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { deliveryIdOf, type EventId, type WebhookId } from "@posthorn/domain";
import { Pool } from "undici";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import type { Tenant } from "../../tenant.ts";

const ASK_EVERY_MS_MIN = 10;
/** Of the time that has passed: as exact is what is measured. */
const ASK_EVERY_SHARE = 1 / 20;
const CONNECTIONS = 16;
const SHOWN_TIMEOUT_MS = 30_000;

export type Visibility = AsyncDisposable & {
  /** Begins to ask for the event's delivery. */
  watch(eventId: string): void;
  /** Returns when all that are watched are shown. @returns how long each took. */
  finish(): Promise<readonly number[]>;
};

export function openVisibility({ stack }: TestStack, tenant: Tenant, webhookId: string): Visibility {
  const pool = new Pool(stack.apiUrl, { connections: CONNECTIONS });
  const headers = { authorization: `Bearer ${tenant.key}` };

  async function isShown(path: string): Promise<boolean> {
    const answer = await pool.request({ path, method: "GET", headers });
    const text = await answer.body.text();
    return answer.statusCode === 200 && text.includes('"status":"delivered"');
  }

  async function timeUntilShown(eventId: string): Promise<number> {
    const startedMs = performance.now();
    const deliveryId = deliveryIdOf(eventId as EventId, webhookId as WebhookId); // as ingest and the api gave them
    const path = `/v1/orgs/${tenant.orgId}/deliveries/${deliveryId}`;
    for (;;) {
      const askedMs = performance.now();
      if (await isShown(path)) return performance.now() - startedMs;
      if (askedMs - startedMs > SHOWN_TIMEOUT_MS) throw new Error(`delivery ${deliveryId} is not shown as delivered`);
      const everyMs = Math.max(ASK_EVERY_MS_MIN, (askedMs - startedMs) * ASK_EVERY_SHARE);
      await sleep(Math.max(0, askedMs + everyMs - performance.now()));
    }
  }

  const watched: Promise<number>[] = [];
  return {
    watch: (eventId) => {
      const shown = timeUntilShown(eventId);
      // Whoever waits for the end sees the failure; until then it is nobody's unhandled one.
      shown.catch(() => {});
      watched.push(shown);
    },
    finish: () => Promise.all(watched),
    [Symbol.asyncDispose]: () => pool.close(),
  };
}
