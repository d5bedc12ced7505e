/**
 * A recording: bytes that a build has written, with what it read from them and the rows it folded from its log. Later
 * builds must read the same from the same bytes; what they have added since may stand besides it.
 */

import {
  type Decoded,
  decodeConfigValue,
  decodeEventGroup,
  decodeLogEvents,
  decodeSentinel,
  decodeWork,
} from "@posthorn/contracts";
import { attemptsIn, eventsOfDelivery } from "../../services/api/src/core/archived-attempts.ts";
import type { DeliveryRecord } from "../../services/projector/src/core/delivery-record.ts";
import { MemoryProjection } from "../../services/projector/src/core/log.fixture.ts";

/** JSON all through: bytes are base64 texts, what is undefined is left out. */
export type Recorded = { readonly bytes: string; readonly means: unknown };

export type Recording = {
  readonly log: readonly Recorded[];
  readonly ingest: readonly Recorded[];
  readonly work: readonly Recorded[];
  readonly config: readonly Recorded[];
  readonly sentinel: Recorded;
  /** What a projector makes of the log. */
  readonly rows: unknown;
};

const EPOCH_MS = Date.parse("2026-03-01T00:00:00Z");

export const read = {
  log: (bytes: Buffer) => decodedOf(decodeLogEvents(bytes)),
  ingest: (bytes: Buffer) => decodedOf(decodeEventGroup(bytes)),
  work: (bytes: Buffer) => decodedOf(decodeWork(bytes)).map(decodedOf),
  config: (bytes: Buffer) => decodedOf(decodeConfigValue(bytes)),
  sentinel: (bytes: Buffer) => decodedOf(decodeSentinel(bytes)),
} as const;

function decodedOf<Value>(decoded: Decoded<Value>): Value {
  if (decoded.kind === "undecodable") throw new Error(decoded.reason);
  return decoded.value;
}

/** The rows that come of log messages, each a batch of its own, and the attempts that their messages tell of. */
export function rowsOf(log: readonly Buffer[]): unknown {
  const projection = new MemoryProjection();
  log.forEach((bytes, index) => {
    projection.project([{ position: { epochMs: EPOCH_MS, sequence: index + 1 }, events: read.log(bytes) }]);
  });
  const rows = projection.rows();
  const attempts = rows.deliveries.flatMap(([, record]) => attemptsOf(record, log));
  return plain({ ...rows, attempts });
}

/** As the api finds them; builds up to the second recording kept a row for each, by this key. */
function attemptsOf({ orgId, deliveryId, log: positions }: DeliveryRecord, log: readonly Buffer[]) {
  return positions.flatMap((position) => {
    const events = read.log(log[position.sequence - 1] ?? Buffer.alloc(0));
    return attemptsIn(eventsOfDelivery(events, orgId, deliveryId)).map((attempt) => {
      const { number, startedAtMs, durationMs, outcome, statusCode, errorClass } = attempt;
      const row = { deliveryId, number, startedAtMs, durationMs, outcome, statusCode, errorClass, position };
      return [`${deliveryId}:${number}`, row] as const;
    });
  });
}

/** As JSON would have it. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([name, one]) => [name, plain(one)]));
}

export const bytesOf = ({ bytes }: Recorded): Buffer => Buffer.from(bytes, "base64");
