/** Starts every instance of every service of a stack and waits until all are ready. */

import { findFreePort, type Leash } from "@posthorn/local-servers";
import { awaitReady } from "./await-ready.ts";
import { serviceMember } from "./members.ts";
import { type InstancePlan, planInstances } from "./plan-instances.ts";
import { type SharedFacts, serviceEnvironment } from "./service-environment.ts";
import { SERVICES } from "./service-table.ts";
import type { StackEvent } from "./stack-events.ts";
import type { StackLogs } from "./stack-logs.ts";
import type { PinnedPorts } from "./stack-settings.ts";
import type { InstanceCounts } from "./start-arguments.ts";
import type { Supervisor } from "./supervisor.ts";

export interface ServicesOptions {
  readonly counts: InstanceCounts;
  readonly ports: PinnedPorts;
  readonly facts: Omit<SharedFacts, "plans">;
  readonly root: string;
  readonly leash: Leash;
  readonly logs: StackLogs;
  readonly supervisor: Supervisor;
  readonly report: (event: StackEvent) => void;
  readonly signal: AbortSignal;
}

export type ServicesStart =
  | { readonly kind: "running"; readonly plans: readonly InstancePlan[] }
  | { readonly kind: "refused"; readonly message: string };

export async function startServices(options: ServicesOptions): Promise<ServicesStart> {
  const { root, leash, logs, supervisor, signal, report } = options;
  const plans = await planWithFreePorts(options.counts, options.ports);
  const facts: SharedFacts = { ...options.facts, plans };
  for (const plan of plans) {
    signal.throwIfAborted();
    const log = logs.open(plan.name, "service");
    const member = serviceMember({ plan, root, env: serviceEnvironment(plan, facts), log, leash });
    supervisor.keep(member, SERVICES[plan.service].stopStage, await member.start());
  }
  report({ kind: "progress", text: `started ${plans.length} processes` });

  const ready = await awaitReady(plans, signal, (text) => report({ kind: "progress", text }));
  if (ready.kind === "ready") return { kind: "running", plans };
  return { kind: "refused", message: `Not ready in time: ${ready.missing.join(", ")}. The logs are in ${logs.dir}.` };
}

function planWithFreePorts(counts: InstanceCounts, pinned: PinnedPorts): Promise<readonly InstancePlan[]> {
  const taken = new Set(Object.values(pinned));
  return planInstances(counts, pinned, async () => {
    const port = await findFreePort(taken);
    taken.add(port);
    return port;
  });
}
