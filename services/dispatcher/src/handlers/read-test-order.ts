/** Reads what a SendTest call asks for. */

import { eventFactsFromWire, type SendTestRequest, workItemFromWire } from "@posthorn/contracts";
import type { AcceptedEvent, EventFacts, WorkItem } from "@posthorn/domain";

export type TestOrder = {
  /** Nothing follows from it, whatever comes of it. */
  readonly item: WorkItem;
  readonly event: AcceptedEvent;
  readonly facts: EventFacts;
};

export type ReadOrder =
  | { readonly kind: "order"; readonly order: TestOrder }
  | { readonly kind: "malformed"; readonly reason: string };

export function readTestOrder(request: SendTestRequest): ReadOrder {
  if (request.item === undefined) return { kind: "malformed", reason: "item is missing." };
  try {
    const item = { ...workItemFromWire(request.item), isOnly: true };
    const facts = eventFactsFromWire(request.event);
    const { event } = item;
    if (event === undefined) return { kind: "malformed", reason: "item.event is missing." };
    if (event.orgId !== item.orgId || event.id !== item.eventId) {
      return { kind: "malformed", reason: "item.event is another event than the item's." };
    }
    return { kind: "order", order: { item, event, facts } };
  } catch (error) {
    return { kind: "malformed", reason: `${error instanceof Error ? error.message : String(error)}.` };
  }
}
