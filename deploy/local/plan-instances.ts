/** Turns counts and ports into the list of processes to run, each with its name and addresses. */

import { SERVICE_NAMES, SERVICES, type ServiceName } from "./service-table.ts";
import type { PinnedPorts } from "./stack-settings.ts";
import type { InstanceCounts } from "./start-arguments.ts";

export interface InstancePlan {
  /** "matcher" for the first, "matcher-2" for the second. */
  readonly name: string;
  readonly service: ServiceName;
  readonly httpPort: number;
  /** Undefined for services without gRPC. */
  readonly grpcPort: number | undefined;
}

/**
 * Instances in the order in which they are started. The first api and ingest get the pinned ports; every other port
 * comes from `takePort` and stays the same when the instance is restarted.
 */
export async function planInstances(
  counts: InstanceCounts,
  pinned: PinnedPorts,
  takePort: () => Promise<number>,
): Promise<readonly InstancePlan[]> {
  const plans: InstancePlan[] = [];
  for (const service of SERVICE_NAMES) {
    for (let number = 1; number <= counts[service]; number++) {
      const isFirst = number === 1;
      const httpPort = isFirst ? pinnedHttpPort(service, pinned) : 0;
      const grpcPort = isFirst && service === "ingest" ? pinned.ingestGrpc : 0;
      plans.push({
        name: isFirst ? service : `${service}-${number}`,
        service,
        httpPort: httpPort === 0 ? await takePort() : httpPort,
        grpcPort: SERVICES[service].servesGrpc ? (grpcPort === 0 ? await takePort() : grpcPort) : undefined,
      });
    }
  }
  return plans;
}

function pinnedHttpPort(service: ServiceName, pinned: PinnedPorts): number {
  if (service === "api") return pinned.api;
  return service === "ingest" ? pinned.ingest : 0;
}

/** The gRPC address of all instances of a service: "ipv4:127.0.0.1:20001,127.0.0.1:20002". */
export function targetOf(service: ServiceName, plans: readonly InstancePlan[]): string {
  const addresses = plans
    .filter((plan) => plan.service === service && plan.grpcPort !== undefined)
    .map((plan) => `127.0.0.1:${plan.grpcPort}`);
  return `ipv4:${addresses.join(",")}`;
}
