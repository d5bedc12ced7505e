/** Waits until every instance says that it is ready, and tells how far it is. */

import { setTimeout as sleep } from "node:timers/promises";
import type { InstancePlan } from "./plan-instances.ts";

const READY_TIMEOUT_MS = 90_000;
const POLL_MS = 100;
const REQUEST_TIMEOUT_MS = 2_000;
/** Between two lines that say who is still missing. */
const REPORT_EVERY_MS = 5_000;

export type ReadyResult =
  | { readonly kind: "ready" }
  /** Names and what each said last: "projector (503: nats)". */
  | { readonly kind: "not-ready"; readonly missing: readonly string[] };

/** Rejects only when `signal` is aborted. */
export async function awaitReady(
  plans: readonly InstancePlan[],
  signal: AbortSignal,
  report: (text: string) => void,
): Promise<ReadyResult> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let nextReport = performance.now() + REPORT_EVERY_MS;
  const waiting = new Map(plans.map((plan) => [plan, "no answer yet"]));
  while (waiting.size > 0) {
    await Promise.all(
      [...waiting.keys()].map(async (plan) => {
        const answer = await askReady(plan.httpPort, signal);
        if (answer.kind === "waiting") {
          waiting.set(plan, answer.reason);
          return;
        }
        waiting.delete(plan);
        report(`${plan.name} is ready (${plans.length - waiting.size} of ${plans.length})`);
      }),
    );
    if (waiting.size === 0) break;
    const missing = [...waiting].map(([plan, reason]) => `${plan.name} (${reason})`);
    if (performance.now() > deadline) return { kind: "not-ready", missing };
    if (performance.now() > nextReport) {
      report(`waiting for ${missing.join(", ")}`);
      nextReport += REPORT_EVERY_MS;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  return { kind: "ready" };
}

type ReadyAnswer = { readonly kind: "ready" } | { readonly kind: "waiting"; readonly reason: string };

async function askReady(port: number, signal: AbortSignal): Promise<ReadyAnswer> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    const body = await response.text();
    return response.ok ? { kind: "ready" } : { kind: "waiting", reason: `${response.status}: ${body.slice(0, 200)}` };
  } catch {
    signal.throwIfAborted();
    return { kind: "waiting", reason: "does not answer" };
  }
}
