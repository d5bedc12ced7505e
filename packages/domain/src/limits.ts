/** Every limit that more than one service or a user has to know, each with a name, a unit and a reason. */

/** An event's `data`, as published. Larger payloads belong in a store that the event points to. */
export const EVENT_DATA_BYTES_MAX = 256 * 1024;
/** One batch request, over HTTP or gRPC. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;
export const BATCH_EVENTS_MAX = 1_000;
/** How deep `data` may be nested for a receiver that re-serialises it; Python's parser gives up near 1,000. */
export const CANONICAL_NESTING_MAX = 500;
export const EVENT_TYPE_LENGTH_MAX = 128;
/** A caller's own id for an event. */
export const CALLER_ID_LENGTH_MAX = 128;
/** A caller's timestamp text: RFC 3339 with a generous fraction. */
export const TIMESTAMP_LENGTH_MAX = 64;
/** How long a caller's id makes a repeat harmless. */
export const DEDUPE_WINDOW_MS = 10 * 60_000;

/** Work items carry their payload up to this size; above it the dispatcher reads it from INGEST. */
export const INLINE_PAYLOAD_BYTES_MAX = 64 * 1024;
/** After this much time from acceptance nothing is attempted, parked or scheduled any more. */
export const DELIVERY_HORIZON_MS = 6 * 24 * 3_600_000;
/**
 * History is kept at least this long: payloads are for 7 days and deliveries may be open for 6, and what is under way
 * is not to be forgotten.
 */
export const RETENTION_DAYS_MIN = 8;
export const RETENTION_DAYS_DEFAULT = 30;
export const RETENTION_DAYS_MAX = 3_650;
/** Of the audit: who changed what is few lines, and asked for late. */
export const AUDIT_RETENTION_DAYS_DEFAULT = 365;
/** What history keeps of a receiver's answer. */
export const RESPONSE_BODY_KEPT_BYTES_MAX = 10 * 1024;

export const PATTERNS_PER_WEBHOOK_MAX = 100;
export const URL_LENGTH_MAX = 2_048;
export const TIMEOUT_MS_MIN = 1_000;
export const TIMEOUT_MS_MAX = 30_000;
export const RETRIES_MAX = 50;
export const RETRY_DELAY_S_MIN = 1;
export const RETRY_DELAY_S_MAX = 518_400;
export const RETRY_AFTER_MS_MIN = 1_000;
export const RETRY_AFTER_MS_MAX = 24 * 3_600_000;
export const SECRET_LENGTH_MIN = 16;
export const SECRET_LENGTH_MAX = 256;
export const NAME_LENGTH_MAX = 120;
/** Custom headers of a webhook, and what they may add to a request. */
export const CUSTOM_HEADERS_MAX = 32;
export const CUSTOM_HEADER_NAME_LENGTH_MAX = 128;
export const CUSTOM_HEADER_VALUE_LENGTH_MAX = 2_048;
export const FILTER_LENGTH_MAX = 1_024;
export const EVENT_TYPE_PREFIX_LENGTH_MAX = 64;
export const EVENT_SCHEMA_BYTES_MAX = 32 * 1024;
/** Requests per second that a webhook may be limited to. */
export const RATE_LIMIT_MIN = 1;
export const RATE_LIMIT_MAX = 10_000;
/** After this many deliveries, each of an event that the one before led to, an event is skipped as a loop. */
export const HOPS_MAX = 5;
/** Secrets that sign at once while rotations overlap. */
export const SIGNING_SECRETS_MAX = 3;
export const SECRET_OVERLAP_S_MAX = 30 * 24 * 3_600;
