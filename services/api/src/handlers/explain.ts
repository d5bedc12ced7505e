/** Explains who would get an event: by the rules of matching, on the configuration as it is now. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { EventFilters } from "@posthorn/content-filter";
import type { EvaluateFilter, OrgId } from "@posthorn/domain";
import { type ExplainedEvent, presentExplanation } from "../core/present-explanation.ts";
import { notFound, unavailable } from "../core/problems.ts";
import type { PageRequest } from "../io/list-order.ts";
import type { ReadPayload } from "../io/payload-reader.ts";
import type { Webhooks } from "../io/webhooks.ts";
import type { explainEventRoute, explainTypeRoute } from "../schemas/explain.ts";
import { type FindEventPorts, findEvent } from "./find-event.ts";
import { done, type Handler, refused } from "./handler.ts";

export type ExplainPorts = FindEventPorts & {
  readonly webhooks: Pick<Webhooks, "list">;
  readonly readPayload: ReadPayload;
};

export function explainEvent(ports: ExplainPorts): Handler<typeof explainEventRoute> {
  const filters = new EventFilters();
  return async ({ parameters, query }) => {
    const known = await findEvent(ports, parameters.org, parameters.event);
    if (known === undefined) return refused(notFound("event"));
    const payload = await ports.readPayload({ ...known, eventId: known.id });
    if (payload.kind === "unavailable") return refused(unavailable("NATS"));
    const event = payload.kind === "found" ? payload.event : { type: known.type, hops: 0 };
    const evaluate = payload.kind === "found" ? filters.evaluatorOf(payload.event) : undefined;
    return done(await explain(ports, parameters.org, event, evaluate, query));
  };
}

export function explainType(ports: ExplainPorts): Handler<typeof explainTypeRoute> {
  const filters = new EventFilters();
  return async ({ parameters, query, body: { type, data } }) => {
    const evaluate =
      data === undefined ? undefined : filters.evaluatorOf({ type, data: Buffer.from(JSON.stringify(data)) });
    return done(await explain(ports, parameters.org, { type, hops: 0 }, evaluate, query));
  };
}

/** @param evaluate undefined: there is no data that filters could be asked about. */
async function explain(
  { webhooks }: ExplainPorts,
  org: OrgId,
  event: ExplainedEvent,
  evaluate: EvaluateFilter | undefined,
  page: PageRequest,
) {
  const listed = await webhooks.list(org, page);
  const items: ReturnType<typeof presentExplanation>[] = [];
  for (const webhook of listed.rows) {
    items.push(presentExplanation(webhook, event, evaluate));
    // One evaluation may take tens of milliseconds, and a page has hundreds: other requests come in between.
    if (webhook.filter !== undefined && evaluate !== undefined) await nextTurn();
  }
  return { items, next_cursor: listed.nextCursor ?? null };
}
