/**
 * Lists events in the order of acceptance, for receivers that were away. The order is that of INGEST; a page goes only
 * as far as the projection is complete, so that no event turns up later between two that were handed out.
 */

import { type EventId, type OrgId, partitionOf, uuidv7TimeMs } from "@posthorn/domain";
import { INGEST_AGE_MS_MAX } from "@posthorn/message-bus";
import { type CatchUpCursor, WHOLE_MESSAGE } from "../core/catch-up-cursor.ts";
import { type CatchUpPage, catchUpJson, emptyPage, extendPage, type FoundEvent } from "../core/catch-up-page.ts";
import { CURSOR_GONE, UNKNOWN_AFTER, unavailable } from "../core/problems.ts";
import type { AcceptOrder, CompleteUpTo } from "../io/accept-order.ts";
import type { Events, KnownEvent } from "../io/events-table.ts";
import { dataOf, type Payload, type ReadPayloads } from "../io/payload-reader.ts";
import type { AfterText, listEventsRoute } from "../schemas/event.ts";
import type { Chance } from "./chance.ts";
import { type Handler, type Refused, refused } from "./handler.ts";

export type CatchUpPorts = {
  readonly events: Pick<Events, "get" | "inOrder">;
  readonly acceptOrder: AcceptOrder;
  readonly readPayloads: ReadPayloads;
  readonly chance: Pick<Chance, "nowMs">;
};

/** Where a UUID says its version. */
const UUID_VERSION_AT = "00000000-0000-".length;
/** Events whose payloads are read at once: their messages may be large. */
const READ_AT_ONCE_MAX = 32;
/** A page that finds nothing but what has been lost or was a test ends after this long, where it is. */
const SEARCH_MS_MAX = 2_000;

export function catchUp(ports: CatchUpPorts): Handler<typeof listEventsRoute> {
  return async ({ parameters, query }) => {
    const { org } = parameters;
    const nowMs = ports.chance.nowMs();
    const complete = await ports.acceptOrder.completeUpTo(partitionOf(org));
    if (complete === undefined) return refused(unavailable("NATS"));
    const start = await startOf(ports, org, query.after, nowMs);
    if (start === "unknown") return refused(UNKNOWN_AFTER);
    if (start === "gone") return refused(CURSOR_GONE);
    if (start !== undefined && !isStored(start, complete, nowMs)) return refused(CURSOR_GONE);
    const page = await readPage(ports, org, { ...query, start, complete, nowMs });
    if ("problem" in page) return page;
    if (page.kind === "lost" && page.items.length === 0) return refused(CURSOR_GONE);
    const json = catchUpJson(page, page.end ?? endOf(complete, nowMs));
    return { kind: "done-as-text", json };
  };
}

/** Undefined: from the oldest event. An unknown id from before payloads are kept is taken for a forgotten event's. */
async function startOf(
  { events }: CatchUpPorts,
  org: OrgId,
  after: AfterText | undefined,
  nowMs: number,
): Promise<CatchUpCursor | undefined | "unknown" | "gone"> {
  if (after === undefined || after.kind === "cursor") return after?.cursor;
  const event = await events.get(org, after.id);
  if (event !== undefined) return { ...event.place, atMs: event.acceptedAtMs };
  return isOlderThanPayloads(after.id, nowMs) ? "gone" : "unknown";
}

/** Ids of events begin with the time of their acceptance. */
function isOlderThanPayloads(id: EventId, nowMs: number): boolean {
  return id.charAt(UUID_VERSION_AT) === "7" && uuidv7TimeMs(id) <= nowMs - INGEST_AGE_MS_MAX;
}

/** What is of another stream, or older than payloads become, may have lost what followed it. */
function isStored(start: CatchUpCursor, { epochMs }: CompleteUpTo, nowMs: number): boolean {
  return start.epochMs === epochMs && start.atMs > nowMs - INGEST_AGE_MS_MAX;
}

type Search = {
  readonly start: CatchUpCursor | undefined;
  readonly complete: CompleteUpTo;
  readonly types: readonly string[];
  readonly limit: number;
  readonly nowMs: number;
};

async function readPage(ports: CatchUpPorts, org: OrgId, search: Search): Promise<CatchUpPage | Refused> {
  const { start, complete, types, limit, nowMs } = search;
  const range = { epochMs: complete.epochMs, lastSequence: complete.sequence, types };
  const sinceMs = nowMs - INGEST_AGE_MS_MAX;
  const deadlineAtMs = performance.now() + SEARCH_MS_MAX;
  let page = emptyPage(start);
  while (page.kind === "open" && performance.now() < deadlineAtMs) {
    const wanted = Math.min(READ_AT_ONCE_MAX, limit - page.items.length);
    const known = await ports.events.inOrder(org, { ...range, after: page.end, sinceMs }, wanted);
    const payloads = await ports.readPayloads(
      org,
      known.map((event) => ({ ...event, eventId: event.id })),
    );
    const found = known.map((event, index) => foundEvent(event, payloads[index]));
    if (!found.every((event) => event !== undefined)) return refused(unavailable("NATS"));
    page = extendPage(page, found, limit, start === undefined);
    if (page.kind === "open" && known.length < wanted)
      return { ...page, end: laterOf(page.end, endOf(complete, nowMs)) };
  }
  return page;
}

/** Undefined when its payload cannot be looked for now. */
function foundEvent(event: KnownEvent, payload: Payload | undefined): FoundEvent | undefined {
  if (payload === undefined || payload.kind === "unavailable") return undefined;
  const isTest = payload.kind === "found" && payload.event.forWebhook !== undefined;
  return { ...event, data: dataOf(payload), isTest };
}

/** Behind all that was complete. */
function endOf({ epochMs, sequence }: CompleteUpTo, nowMs: number): CatchUpCursor {
  return { epochMs, sequence, index: WHOLE_MESSAGE, atMs: nowMs };
}

/** A replica that is behind another one takes nobody back. */
function laterOf(end: CatchUpCursor | undefined, complete: CatchUpCursor): CatchUpCursor {
  return end !== undefined && end.sequence > complete.sequence ? end : complete;
}
