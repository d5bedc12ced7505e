/** Has a dispatcher make one attempt now, and hears what came of it. */

import {
  DispatchServiceClient,
  eventFactsToWire,
  logEventFromWire,
  type SendTestResponse,
  workItemToWire,
} from "@posthorn/contracts";
import type { DeliveryEvent, EventFacts, LogEvent, WorkItem } from "@posthorn/domain";
import { callUnary, createGrpcClient, reachServer } from "@posthorn/service-runtime";

export type TestSent =
  | { readonly kind: "sent"; readonly events: readonly DeliveryEvent[] }
  /** No attempt was made. */
  | { readonly kind: "refused"; readonly refusal: TestRefusal }
  /** No dispatcher can be reached: nothing was sent. */
  | { readonly kind: "dispatcher-unavailable" }
  /** It was asked and has not answered: the attempt may have been made. */
  | { readonly kind: "perhaps-sent" };

/** `busy`: now is not the moment, whatever the dispatcher's own reason. */
export type TestRefusal = "webhook-deleted" | "unsignable" | "busy";

export interface TestSender extends Disposable {
  /** @param timeoutMs of the webhook. */
  send(item: WorkItem, event: EventFacts, timeoutMs: number): Promise<TestSent>;
  /** Rejects when no dispatcher can be reached. */
  reach(): Promise<void>;
}

/** Besides the attempt itself: its configuration and its signature are waited for, and its outcome is logged. */
const AROUND_THE_ATTEMPT_MS_MAX = 10_000;
const REACH_MS_MAX = 1_000;

/** @param onTrouble told why a dispatcher did not answer. */
export function openTestSender(target: string, onTrouble: (reason: string) => void): TestSender {
  const client = createGrpcClient(DispatchServiceClient, target);
  const sendTest = client.sendTest.bind(client);
  const trouble = (error: unknown) => onTrouble(error instanceof Error ? error.message : String(error));
  return {
    send: async (item, event, timeoutMs) => {
      try {
        await reachServer(client, REACH_MS_MAX);
      } catch (error) {
        trouble(error);
        return { kind: "dispatcher-unavailable" };
      }
      const request = { item: workItemToWire(item), event: eventFactsToWire(event) };
      try {
        const deadlineMs = timeoutMs + AROUND_THE_ATTEMPT_MS_MAX;
        return sentOf(await callUnary(sendTest, request, { deadlineMs }));
      } catch (error) {
        trouble(error);
        return { kind: "perhaps-sent" };
      }
    },
    reach: () => reachServer(client, REACH_MS_MAX),
    [Symbol.dispose]: () => client.close(),
  };
}

function sentOf({ events, refusal }: SendTestResponse): TestSent {
  if (refusal === "") return { kind: "sent", events: events.map(logEventFromWire).filter(isOfDelivery) };
  if (refusal === "webhook_deleted") return { kind: "refused", refusal: "webhook-deleted" };
  return { kind: "refused", refusal: refusal === "unsignable" ? "unsignable" : "busy" };
}

function isOfDelivery(event: LogEvent): event is DeliveryEvent {
  return "deliveryId" in event;
}
