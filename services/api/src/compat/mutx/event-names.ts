/** The events that MUTX knows, and which names a webhook of it may subscribe to. */

export const MUTX_EVENTS = [
  "agent.status",
  "agent.status_update",
  "agent.heartbeat",
  "agent.error",
  "agent.started",
  "agent.stopped",
  "agent.crashed",
  "deployment.created",
  "deployment.updated",
  "deployment.failed",
  "deployment.rolled_back",
  "deployment.event",
  "metrics.report",
  "health.check",
  "governance.decision.permit",
  "governance.decision.deny",
  "governance.decision.defer",
  "governance.pending",
  "governance.approved",
  "governance.denied",
  "governance.killed",
] as const;

/** Undefined when all names are known: events, `*`, or `<prefix>.*` of some event, at any depth. */
export function eventNameProblem(names: readonly string[]): string | undefined {
  const unknown = names.find((name) => !isKnown(name));
  if (unknown === undefined) return undefined;
  const supported = MUTX_EVENTS.map((event) => `'${event}'`).join(", ");
  return `Invalid event: ${unknown}. Supported events: [${supported}] and '*'`;
}

function isKnown(name: string): boolean {
  if (name === "*") return true;
  if (!name.endsWith(".*")) return MUTX_EVENTS.some((event) => event === name);
  return MUTX_EVENTS.some((event) => event.startsWith(name.slice(0, -1)));
}
