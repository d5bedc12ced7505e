/** Finds an event by its id, or the newest one by its publisher's id. */

import { callerIdProblem, type OrgId, parseEventId } from "@posthorn/domain";
import type { Events, KnownEvent } from "../io/events-table.ts";

export type FindEventPorts = { readonly events: Pick<Events, "get" | "newestOf"> };

/** A publisher may use UUIDs for its own ids, so that a text which is no id of ours may still be one of its. */
export async function findEvent({ events }: FindEventPorts, org: OrgId, text: string): Promise<KnownEvent | undefined> {
  const id = parseEventId(text);
  const event = id === undefined ? undefined : await events.get(org, id);
  if (event !== undefined) return event;
  return callerIdProblem(text) === undefined ? events.newestOf(org, text) : undefined;
}
