/** An event as JSON text, because its data goes in as it was published: numbers of any length survive. */

import type { EventId } from "@posthorn/domain";
import { instant } from "./instant.ts";
import { textOf } from "./present-delivery.ts";

export type EventFacts = {
  readonly id: EventId;
  readonly type: string;
  /** The publisher's text; undefined when there was none. */
  readonly timestamp: string | undefined;
  readonly acceptedAtMs: number;
};

export type EventData =
  /** JSON text in UTF-8. */
  { readonly kind: "present"; readonly text: Uint8Array } | { readonly kind: "gone"; readonly why: "age" | "deleted" };

/** @param more what else the object has, such as `deliveries` and the cursor of further ones. */
export function presentEvent(event: EventFacts, data: EventData, more: object = {}): string {
  const before = JSON.stringify({
    id: event.id,
    type: event.type,
    timestamp: event.timestamp ?? instant(event.acceptedAtMs),
    accepted_at: instant(event.acceptedAtMs),
  });
  const after = JSON.stringify({ data_gone: data.kind === "gone" ? data.why : null, ...more });
  return `${before.slice(0, -1)},"data":${data.kind === "gone" ? "null" : textOf(data.text)},${after.slice(1)}`;
}
