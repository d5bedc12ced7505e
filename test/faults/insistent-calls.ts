/** Calls that are made again until they are answered as wanted: whoever answers may be dying at the moment. */

import { setTimeout as sleep } from "node:timers/promises";
import type { RestAnswer } from "../../deploy/local/rest-client.ts";
import type { Tenant } from "../tenant.ts";

const AGAIN_MS = 200;

/** @param call is told how often it was made before. */
export async function insist(status: number, call: (tries: number) => Promise<RestAnswer>): Promise<RestAnswer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await call(tries).catch(() => undefined);
    if (answer?.status === status) return answer;
    await sleep(AGAIN_MS);
  }
}

/** @param event its `id` makes the repeat of an unanswered publish harmless. @returns the id that it was given. */
export async function publishInsistently(
  { orgId, ingest }: Tenant,
  event: { readonly type: string; readonly id: string; readonly data: unknown },
): Promise<string> {
  const answer = await insist(202, () => ingest("POST", `/v1/orgs/${orgId}/events`, event));
  return (answer.body as { id: string }).id;
}
