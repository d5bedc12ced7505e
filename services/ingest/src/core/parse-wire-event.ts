/** Reads an event that came over gRPC: the same rules as over HTTP, with `data` as bytes of its own. */

import { limits } from "@posthorn/domain";
import { readJson } from "./json-text.ts";
import { DATA_TOO_LARGE, type NewEvent, textErrors } from "./new-event.ts";
import { batchSizeProblem, invalidBatch } from "./parse-batch.ts";
import { invalidEvent } from "./parse-event.ts";
import { type Checked, refused, sound } from "./refusals.ts";

/** An event message; the empty string stands for absence, as proto3 has it. */
export type WireEvent = {
  readonly type: string;
  readonly data: Uint8Array;
  readonly id: string;
  readonly timestamp: string;
};

export function parseWireEvent(wire: WireEvent | undefined): Checked<NewEvent> {
  if (wire === undefined) return invalidEvent([{ path: "", message: "is required" }]);
  const { type, data } = wire;
  if (data.length === 0) return invalidEvent([{ path: "/data", message: "is required" }]);
  if (data.length > limits.EVENT_DATA_BYTES_MAX) return refused("event_too_large", `${DATA_TOO_LARGE}.`);
  const event: NewEvent = { type, data, timestamp: wire.timestamp || undefined, callerId: wire.id || undefined };
  const errors = textErrors(event);
  if (errors.length > 0) return invalidEvent(errors);
  const json = readJson(data, "The event's data");
  return json.kind === "refused" ? json : sound(event);
}

/** A batch within its limits; what is wrong with one event is that event's refusal. */
export function parseWireBatch(events: readonly WireEvent[]): Checked<readonly Checked<NewEvent>[]> {
  const problem = batchSizeProblem(events.length);
  if (problem !== undefined) return invalidBatch("/events", problem);
  const bytes = events.reduce((sum, event) => sum + event.data.length, 0);
  if (bytes <= limits.BATCH_BYTES_MAX) return sound(events.map(parseWireEvent));
  return refused("batch_too_large", `The batch has more than ${limits.BATCH_BYTES_MAX} bytes.`);
}
