/**
 * The error catalogue: every reason for which an event is not accepted, under a code that never changes. The problems
 * of HTTP and the results and statuses of gRPC are made from it. The README lists the same codes.
 */

/** Whose move it is: the request has to change, or the same request may succeed a moment later. */
type Kind = "request" | "moment";

/** gRPC's status by name, as far as refusals use it. */
export type GrpcStatusName =
  | "INVALID_ARGUMENT"
  | "UNAUTHENTICATED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "RESOURCE_EXHAUSTED"
  | "UNAVAILABLE";

type CatalogueEntry = {
  readonly kind: Kind;
  readonly httpStatus: number;
  readonly grpcStatus: GrpcStatusName;
  readonly title: string;
};

export const REFUSALS = {
  invalid_utf8: request(400, "INVALID_ARGUMENT", "Invalid UTF-8"),
  malformed_json: request(400, "INVALID_ARGUMENT", "Malformed JSON"),
  duplicate_member: request(400, "INVALID_ARGUMENT", "Duplicate member"),
  unauthenticated: request(401, "UNAUTHENTICATED", "No valid API key"),
  unknown_organisation: request(404, "NOT_FOUND", "Unknown organisation"),
  event_too_large: request(413, "INVALID_ARGUMENT", "Event too large"),
  batch_too_large: request(413, "INVALID_ARGUMENT", "Batch too large"),
  invalid_event: request(422, "INVALID_ARGUMENT", "Invalid event"),
  invalid_batch: request(422, "INVALID_ARGUMENT", "Invalid batch"),
  unknown_event_type: request(422, "INVALID_ARGUMENT", "Unknown event type"),
  data_misfit: request(422, "INVALID_ARGUMENT", "Data do not fit the schema"),
  invalid_hops: request(422, "INVALID_ARGUMENT", "Invalid posthorn-hops"),
  invalid_idempotency_key: request(422, "INVALID_ARGUMENT", "Invalid Idempotency-Key"),
  conflicting_ids: request(422, "INVALID_ARGUMENT", "Conflicting ids"),
  duplicate_unreadable: request(409, "ALREADY_EXISTS", "Already accepted"),
  configuration_incomplete: moment("UNAVAILABLE", "Configuration not loaded"),
  not_durable: moment("UNAVAILABLE", "Not stored in time"),
  stream_full: moment("RESOURCE_EXHAUSTED", "Store full"),
  overloaded: moment("RESOURCE_EXHAUSTED", "Overloaded"),
} as const satisfies Record<string, CatalogueEntry>;

export type RefusalCode = keyof typeof REFUSALS;

/** One thing that is wrong with the input: a JSON pointer into it ("" is the whole) and what is wrong there. */
export type FieldError = { readonly path: string; readonly message: string };

export type Refusal = {
  readonly code: RefusalCode;
  /** One sentence for the person who reads it. */
  readonly detail: string;
  /** Empty when the detail says it all. */
  readonly errors: readonly FieldError[];
};

export type Refused = { readonly kind: "refused"; readonly refusal: Refusal };

/** Something that was found sound, or why it was not. */
export type Checked<Value> = { readonly kind: "sound"; readonly value: Value } | Refused;

/** When to come back after a refusal that a moment may cure. */
export const RETRY_AFTER_S = 1;

export function sound<Value>(value: Value): Checked<Value> {
  return { kind: "sound", value };
}

export function refused(code: RefusalCode, detail: string, errors: readonly FieldError[] = []): Refused {
  return { kind: "refused", refusal: { code, detail, errors } };
}

/** May the same request succeed a moment later? */
export function isMomentary(code: RefusalCode): boolean {
  return REFUSALS[code].kind === "moment";
}

export type MomentaryCode = keyof typeof MOMENTARY_DETAILS;

const MOMENTARY_DETAILS = {
  configuration_incomplete: "The configuration has not arrived here yet. Try again in a moment.",
  not_durable: "The event was not confirmed as stored in time. Send it again; with the same id that is harmless.",
  stream_full: "The event store is full. Try again later.",
  overloaded: "Too many events are waiting to be stored. Try again in a moment.",
} as const;

/** A refusal that says nothing about the request. */
export function momentary(code: MomentaryCode): Refused {
  return refused(code, MOMENTARY_DETAILS[code]);
}

/** The same refusal with its paths below `path`: what is wrong with an element, told of the whole. */
export function refusalAt(path: string, refusal: Refusal): Refusal {
  const { code, detail, errors } = refusal;
  const at = errors.length === 0 ? [{ path: "", message: detail }] : errors;
  return { code, detail, errors: at.map((error) => ({ ...error, path: path + error.path })) };
}

function request(httpStatus: number, grpcStatus: GrpcStatusName, title: string): CatalogueEntry {
  return { kind: "request", httpStatus, grpcStatus, title };
}

function moment(grpcStatus: GrpcStatusName, title: string): CatalogueEntry {
  return { kind: "moment", httpStatus: 503, grpcStatus, title };
}
