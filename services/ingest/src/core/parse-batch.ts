/**
 * Reads a batch of events from JSON text. The batch as a whole must be sound; what is wrong with one event is that
 * event's refusal and nobody else's.
 */

import { arrayElements, limits, topLevelMembers } from "@posthorn/domain";
import { isJsonObject, pointerTo, readJson } from "./json-text.ts";
import type { NewEvent } from "./new-event.ts";
import { duplicateName, readEvent } from "./parse-event.ts";
import { type Checked, type Refused, refused, sound } from "./refusals.ts";

/** @param body a whole request body: `{"events": [...]}`. */
export function parseBatch(body: Uint8Array): Checked<readonly Checked<NewEvent>[]> {
  const json = readJson(body, "The body");
  if (json.kind === "refused") return json;
  const batch = json.value;
  if (!isJsonObject(batch)) return invalidBatch("", "must be an object");
  const members = topLevelMembers(body);
  const twice = duplicateName(members);
  if (twice !== undefined) return refused("duplicate_member", `The member ${JSON.stringify(twice)} is given twice.`);
  const unknown = members.find(({ name }) => name !== "events");
  if (unknown !== undefined) return invalidBatch(pointerTo(unknown.name), "is not known; known is events");
  const [events] = members;
  if (events === undefined) return invalidBatch("/events", "is required");
  const values = batch.events;
  if (!Array.isArray(values)) return invalidBatch("/events", "must be an array");
  const problem = batchSizeProblem(values.length);
  if (problem !== undefined) return invalidBatch("/events", problem);
  const places = arrayElements(body, events.start);
  return sound(places.map(({ start, end }, index) => readEvent(body.subarray(start, end), values[index])));
}

/** What is wrong with the number of events in a batch, if anything. */
export function batchSizeProblem(count: number): string | undefined {
  const isSound = count >= 1 && count <= limits.BATCH_EVENTS_MAX;
  return isSound ? undefined : `must have 1 to ${limits.BATCH_EVENTS_MAX} events, has ${count}`;
}

export function invalidBatch(path: string, message: string): Refused {
  const where = path === "" ? "The batch" : `The batch's ${path.slice(1)}`;
  return refused("invalid_batch", `${where} ${message}.`, [{ path, message }]);
}
