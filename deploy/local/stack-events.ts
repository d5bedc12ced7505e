/** What a stack tells while it starts, runs and stops, and each of it in words. */

import { describeExit } from "@posthorn/local-servers";
import type { MemberEvent } from "./keep-running.ts";

export type StackEvent =
  /** A step of the start or the stop. */
  | { readonly kind: "progress"; readonly text: string }
  /** A warning from a process's log. */
  | { readonly kind: "warning"; readonly text: string }
  | MemberEvent;

export function describeStackEvent(event: StackEvent): string {
  switch (event.kind) {
    case "progress":
    case "warning":
      return event.text;
    case "ended":
      return `${event.name} ended (${describeExit(event.exit)}); it is started again ${inTime(event.restartInMs)}`;
    case "start-failed": {
      const reason = event.error instanceof Error ? event.error.message : String(event.error);
      return `${event.name} could not be started; the next try comes ${inTime(event.restartInMs)}: ${reason}`;
    }
    case "restarted":
      return `${event.name} runs again (process ${event.pid ?? "unknown"})`;
  }
}

function inTime(ms: number): string {
  return ms === 0 ? "at once" : `in ${ms} ms`;
}
