/** The command line of `npm start`. */

import type { NatsLayout } from "./nats-layout.ts";
import { SERVICE_NAMES, SERVICES, type ServiceName } from "./service-table.ts";

export const INSTANCES_MAX = 16;

/** How many instances of each service run. */
export type InstanceCounts = Readonly<Record<ServiceName, number>>;

export type StartArguments =
  | { readonly kind: "parsed"; readonly counts: InstanceCounts; readonly natsLayout: NatsLayout }
  | { readonly kind: "refused"; readonly message: string };

/** One instance of everything. */
export const ONE_OF_EACH: InstanceCounts = Object.fromEntries(
  SERVICE_NAMES.map((service) => [service, 1]),
) as InstanceCounts; // every name of the record is in the list it is made of

const CLUSTER_FLAG = "--nats-cluster";

/** Takes `--matchers 2`, `--matchers=2` and `--nats-cluster`; anything else is refused in one sentence. */
export function parseStartArguments(args: readonly string[]): StartArguments {
  const counts = { ...ONE_OF_EACH };
  const natsLayout = args.includes(CLUSTER_FLAG) ? "cluster" : "single";
  const rest = args
    .filter((argument) => argument !== CLUSTER_FLAG)
    .flatMap((argument) => (argument.startsWith("--") ? argument.split("=", 2) : [argument]));
  while (rest.length > 0) {
    const [option, value] = rest.splice(0, 2);
    const service = SERVICE_NAMES.find((name) => option === `--${SERVICES[name].countFlag}`);
    if (service === undefined) {
      const known = SERVICE_NAMES.map((name) => `--${SERVICES[name].countFlag}`).join(", ");
      const message = `npm start does not know ${option}; it knows ${known}, each with a number, and ${CLUSTER_FLAG}.`;
      return { kind: "refused", message };
    }
    const count = value !== undefined && /^\d{1,3}$/.test(value) ? Number(value) : 0;
    if (count < 1 || count > INSTANCES_MAX) {
      return {
        kind: "refused",
        message: `${option} needs a number from 1 to ${INSTANCES_MAX}, not ${value ?? "nothing"}.`,
      };
    }
    counts[service] = count;
  }
  return { kind: "parsed", counts, natsLayout };
}
