/**
 * The W3C `traceparent` header, level 1: strict reading, writing, and making new ones. What is not valid by the letter
 * is treated as absent, because a wrong parent makes a wrong tree.
 */

export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero. */
  readonly spanId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZERO_TRACE_ID = "0".repeat(32);
const ZERO_SPAN_ID = "0".repeat(16);
const VERSION = "00";
const INVALID_VERSION = "ff";
const SAMPLED_BIT = 1;

/** Parts of a traceparent, or `undefined` when it is absent or not valid. A later version is read by the rules of version 00. */
export function parseTraceparent(traceparent: string | undefined): TraceContext | undefined {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match === null) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", more] = match;
  if (version === INVALID_VERSION || (version === VERSION && more !== undefined)) return undefined;
  if (traceId === ZERO_TRACE_ID || spanId === ZERO_SPAN_ID) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED_BIT) === SAMPLED_BIT };
}

/** The header of version 00; of the flags only `sampled` is kept. */
export function formatTraceparent(context: TraceContext): string {
  return `${VERSION}-${context.traceId}-${context.spanId}-${context.sampled ? "01" : "00"}`;
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const IDS_BYTES = TRACE_ID_BYTES + SPAN_ID_BYTES;
/** One call for random bytes costs about a microsecond whatever its size, so it is made once per so many traceparents. */
const TRACEPARENTS_PER_FILL = 256;

/**
 * Returns a function that makes a new traceparent, not sampled, at every call.
 *
 * @param fillRandom fills the given bytes with random ones, such as `randomFillSync` of node:crypto.
 */
export function traceparentSource(fillRandom: (bytes: Buffer) => void): () => string {
  const pool = Buffer.alloc(IDS_BYTES * TRACEPARENTS_PER_FILL);
  let offset = pool.length;
  return () => {
    if (offset === pool.length) {
      fillRandom(pool);
      offset = 0;
    }
    const traceId = pool.toString("hex", offset, offset + TRACE_ID_BYTES);
    const spanId = pool.toString("hex", offset + TRACE_ID_BYTES, offset + IDS_BYTES);
    offset += IDS_BYTES;
    return formatTraceparent({ traceId: nonZero(traceId), spanId: nonZero(spanId), sampled: false });
  };
}

function nonZero(id: string): string {
  return id === ZERO_TRACE_ID || id === ZERO_SPAN_ID ? id.replace(/0$/, "1") : id;
}
