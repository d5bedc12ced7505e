/** Changes of the configuration, one after the other, whatever happens to api meanwhile; and what follows from them. */

import type { Receiver } from "@posthorn/testkit";
import type { Tenant } from "../tenant.ts";
import { insist, publishInsistently } from "./insistent-calls.ts";

/**
 * Registers webhooks until it is told to stop. After the answer to each an event is published that it has to get.
 * @returns the paths of those whose registration was answered. One that was not may exist as well, under another path.
 */
export async function registerWebhooks(
  tenant: Tenant,
  receiver: Receiver,
  isEnough: () => boolean,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (let number = 0; !isEnough(); number += 1) {
    let path = "";
    await insist(201, (tries) => {
      path = `/made/${number}/${tries}`;
      const webhook = { url: `${receiver.url}${path}`, events: [`made.${number}`] };
      return tenant.api("POST", `/v1/orgs/${tenant.orgId}/webhooks`, webhook);
    });
    await publishInsistently(tenant, { type: `made.${number}`, id: `made-${number}`, data: {} });
    paths.push(path);
  }
  return paths;
}
