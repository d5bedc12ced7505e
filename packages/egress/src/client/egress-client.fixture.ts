/** A client that may talk to receivers on the loopback interface, and a short way to post with it. */

import type { TargetUrl } from "../target/target-url.ts";
import { createEgressClient, type EgressClient, type EgressClientOptions, type PostRequest } from "./egress-client.ts";
import type { PostFailure, PostResponse, PostResult } from "./post-result.ts";
import { policyAllowing, resolverOf, targetUrl } from "./receiver.fixture.ts";

export const LOOPBACK = policyAllowing("127.0.0.0/8");
/** Every name is at 127.0.0.1. */
export const EVERYTHING_HERE = resolverOf(() => ["127.0.0.1"]);

export interface TestClient extends EgressClient {
  /** @param url a text that the policy for loopback accepts, or a URL that was parsed under another one. */
  postTo(url: string | TargetUrl, request?: Partial<PostRequest>): Promise<PostResult>;
}

export function startClient(options: Partial<EgressClientOptions> = {}): TestClient {
  const client = createEgressClient({
    policy: LOOPBACK,
    resolver: EVERYTHING_HERE,
    userAgent: "Posthorn/test",
    ...options,
  });
  return {
    ...client,
    postTo: (url, request) =>
      client.post({
        url: typeof url === "string" ? targetUrl(url, LOOPBACK) : url,
        headers: [["content-type", "application/json"]],
        body: Buffer.from("{}"),
        deadlineMs: 5_000,
        ...request,
      }),
  };
}

export function response(result: PostResult): PostResponse {
  if (result.kind !== "response") throw new Error(`no response: ${JSON.stringify(result)}`);
  return result;
}

export function failure(result: PostResult): PostFailure {
  if (result.kind !== "failed") throw new Error(`no failure: ${JSON.stringify(result)}`);
  return result;
}

export function text(body: Uint8Array): string {
  return Buffer.from(body).toString("latin1");
}
