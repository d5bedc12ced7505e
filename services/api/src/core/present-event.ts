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

/**
 * @param data JSON text in UTF-8; undefined when age has taken it.
 * @param deliveries what else the object has, `deliveries` and the cursor of further ones.
 */
export function presentEvent(event: EventFacts, data: Uint8Array | undefined, deliveries: object): string {
  const before = JSON.stringify({
    id: event.id,
    type: event.type,
    timestamp: event.timestamp ?? instant(event.acceptedAtMs),
    accepted_at: instant(event.acceptedAtMs),
  });
  const after = JSON.stringify({ data_gone: data === undefined ? "age" : null, ...deliveries });
  return `${before.slice(0, -1)},"data":${data === undefined ? "null" : textOf(data)},${after.slice(1)}`;
}
