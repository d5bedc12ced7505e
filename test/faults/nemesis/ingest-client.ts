/**
 * Publishes over a few kept connections, at a fraction of what `fetch` costs: the load shares the machine with the
 * stack.
 */

import { Agent, request } from "node:http";

/** Returns what was answered; undefined when nothing was in time. */
export type PublishCall = (orgId: string, event: object) => Promise<PublishAnswer | undefined>;

export type PublishAnswer =
  | { readonly kind: "accepted"; readonly eventId: string }
  | { readonly kind: "refused"; readonly status: number };

export type IngestClient = Disposable & { as(key: string): PublishCall };

const CONNECTIONS_MAX = 128;
/** Short, so that a publish to a frozen process is tried again soon. */
const ANSWER_MS_MAX = 6_000;

export function openIngestClient(ingestUrl: string): IngestClient {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });

  function publish(key: string, orgId: string, event: object): Promise<PublishAnswer | undefined> {
    const body = JSON.stringify(event);
    return new Promise((resolve) => {
      const call = request(`${ingestUrl}/v1/orgs/${orgId}/events`, {
        agent,
        method: "POST",
        headers: {
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        },
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      call.on("error", () => resolve(undefined));
      call.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", () => resolve(undefined));
        response.on("end", () => resolve(answerOf(response.statusCode ?? 0, text)));
        response.on("close", () => resolve(undefined));
      });
      call.end(body);
    });
  }

  return {
    as: (key) => (orgId, event) => publish(key, orgId, event),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function answerOf(status: number, text: string): PublishAnswer {
  if (status !== 202) return { kind: "refused", status };
  const { id: eventId } = JSON.parse(text) as { id: string }; // the contract of 202
  return { kind: "accepted", eventId };
}
