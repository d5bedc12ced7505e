/**
 * Publishes on behalf of messages that are held under a lease: again and again until stored, because a full stream or
 * an absent server is a reason to wait and never one to skip, but no longer than the messages are ours.
 */

import type { Publisher, PublishRequest } from "@posthorn/message-bus";

/** After this long without a definite answer it is looked whether the messages are still ours. */
export const ANSWER_MS_MAX = 5_000;
/** A server that refuses, for a full stream above all, is asked again after this long. */
export const REFUSED_WAIT_MS = 500;

export type LeasedPublisher = {
  /** Resolves to true when the request is stored, to false when that is not known and `isHeld` has come to an end. */
  publish(request: PublishRequest, isHeld: () => boolean): Promise<boolean>;
};

export type LeasedPublisherOptions = {
  /** Told every time the server says no, with its words. */
  readonly onRefused: (subject: string, reason: string) => void;
  readonly wait: (ms: number) => Promise<unknown>;
};

export function leasedPublisher(
  publisher: Pick<Publisher, "publish">,
  { onRefused, wait }: LeasedPublisherOptions,
): LeasedPublisher {
  return {
    publish: async (request, isHeld) => {
      let next = request;
      do {
        const published = await publisher.publish(next, ANSWER_MS_MAX);
        if (published.kind === "stored") return true;
        if (published.kind === "unknown") {
          next = asRepeat(request);
        } else {
          onRefused(request.subject, published.message);
          await wait(REFUSED_WAIT_MS);
        }
      } while (isHeld());
      return false;
    },
  };
}

/** Whether the first one was stored is not known: what follows has to say that it may be a repeat. */
function asRepeat(request: PublishRequest): PublishRequest {
  return { ...request, payload: request.payloadOfRepeat?.() ?? request.payload };
}
