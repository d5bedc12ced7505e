/**
 * Reads one event from JSON text. It refuses whatever a publisher might believe was understood: unknown members,
 * members given twice, wrong types. Nothing is coerced.
 */

import { type JsonMember, limits, topLevelMembers } from "@posthorn/domain";
import { isJsonObject, pointerTo, readJson } from "./json-text.ts";
import { DATA_TOO_LARGE, type NewEvent, textErrors } from "./new-event.ts";
import { type Checked, type FieldError, type Refused, refused, sound } from "./refusals.ts";

const FIELDS: ReadonlySet<string> = new Set(["type", "data", "id", "timestamp"]);

/** @param body a whole request body. */
export function parseEvent(body: Uint8Array): Checked<NewEvent> {
  const value = readJson(body, "The body");
  return value.kind === "refused" ? value : readEvent(body, value.value);
}

/**
 * @param json the event's own text, known to be JSON.
 * @param value what JSON.parse made of it.
 */
export function readEvent(json: Uint8Array, value: unknown): Checked<NewEvent> {
  if (!isJsonObject(value)) return invalidEvent([{ path: "", message: "must be an object" }]);
  const members = topLevelMembers(json);
  const twice = duplicateName(members);
  if (twice !== undefined) return refused("duplicate_member", `The member ${JSON.stringify(twice)} is given twice.`);
  const data = members.find((member) => member.name === "data");
  const errors = [...unknownFields(members), ...shapeErrors(value, data)];
  const { type, id, timestamp } = value;
  if (data === undefined || typeof type !== "string" || !isTextOrAbsent(id) || !isTextOrAbsent(timestamp)) {
    return invalidEvent(errors);
  }
  if (data.end - data.start > limits.EVENT_DATA_BYTES_MAX) return refused("event_too_large", `${DATA_TOO_LARGE}.`);
  const event: NewEvent = { type, data: json.subarray(data.start, data.end), timestamp, callerId: id };
  errors.push(...textErrors(event));
  return errors.length === 0 ? sound(event) : invalidEvent(errors);
}

export function invalidEvent(errors: readonly FieldError[]): Refused {
  const [first] = errors;
  const where = first === undefined || first.path === "" ? "The event" : `The event's ${first.path.slice(1)}`;
  return refused("invalid_event", `${where} ${first?.message ?? "is not valid"}.`, errors);
}

/** The first name that stands twice among the members, if there is one. */
export function duplicateName(members: readonly JsonMember[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of members) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

function unknownFields(members: readonly JsonMember[]): FieldError[] {
  return members
    .filter(({ name }) => !FIELDS.has(name))
    .slice(0, ERRORS_TOLD_MAX)
    .map(({ name }) => ({ path: pointerTo(name), message: `is not known; known are ${[...FIELDS].join(", ")}` }));
}

/** Somebody who sends thousands of unknown members does not need a list of them. */
const ERRORS_TOLD_MAX = 20;

function shapeErrors(value: Readonly<Record<string, unknown>>, data: JsonMember | undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (value.type === undefined) errors.push({ path: "/type", message: "is required" });
  else if (typeof value.type !== "string") errors.push({ path: "/type", message: "must be a string" });
  if (data === undefined) errors.push({ path: "/data", message: "is required" });
  for (const name of ["id", "timestamp"]) {
    if (!isTextOrAbsent(value[name])) errors.push({ path: `/${name}`, message: "must be a string, or absent" });
  }
  return errors;
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
