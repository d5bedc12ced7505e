/**
 * Publishes over HTTP with little CPU of its own: what the load costs is missing to an engine on the same machine.
 * Anything but full acceptance throws: a bench that loses events measures something else.
 */

import { Pool } from "undici";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import type { Tenant } from "../../tenant.ts";

export type HttpPublisher = AsyncDisposable & {
  /** @returns the answer's text. */
  publishOne(event: string | Buffer): Promise<string>;
  /** @returns the answer's text. */
  publishBatch(batch: string | Buffer): Promise<string>;
};

const ACCEPTED = 202;

/** @param connections posts under way at once. */
export function openPublisher({ stack }: TestStack, tenant: Tenant, connections: number): HttpPublisher {
  const pool = new Pool(stack.ingestUrl, { connections });
  const headers = { "content-type": "application/json", authorization: `Bearer ${tenant.key}` };
  const post = async (path: string, body: string | Buffer) => {
    const answer = await pool.request({ path, method: "POST", headers, body });
    const text = await answer.body.text();
    if (answer.statusCode === ACCEPTED && !text.includes('"error"')) return text;
    throw new Error(`ingest answered ${answer.statusCode}: ${text.slice(0, 500)}`);
  };
  const path = `/v1/orgs/${tenant.orgId}/events`;
  return {
    publishOne: (event) => post(path, event),
    publishBatch: (batch) => post(`${path}/batch`, batch),
    [Symbol.asyncDispose]: () => pool.close(),
  };
}
