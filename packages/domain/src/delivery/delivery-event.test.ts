import { describe, expect, it } from "vitest";
import {
  ACCEPTED_AT_MS,
  cancelled,
  created,
  deferred,
  EVENT_FACTS,
  exhausted,
  failed,
  IDENTITY,
  skipped,
  succeeded,
} from "./delivery.fixture.ts";
import { logEventId } from "./delivery-event.ts";

describe("logEventId", () => {
  const { deliveryId, eventId, orgId } = IDENTITY;

  it.each([
    [created, `${deliveryId}:created`],
    [skipped, `${deliveryId}:skipped`],
    [deferred(2, 3), `${deliveryId}:deferred:3`],
    [succeeded(2), `${deliveryId}:outcome:2`],
    [failed(2, undefined), `${deliveryId}:outcome:2`],
    [exhausted("expired", 1), `${deliveryId}:exhausted`],
    [cancelled, `${deliveryId}:cancelled`],
  ])("of $kind is $1", (event, id) => {
    expect(logEventId(event)).toBe(id);
  });

  it("of an event that nobody wanted names the event", () => {
    const unmatched = { kind: "event.unmatched", orgId, eventId, atMs: ACCEPTED_AT_MS, event: EVENT_FACTS } as const;
    expect(logEventId(unmatched)).toBe(`${eventId}:unmatched`);
  });

  it("does not depend on who recorded it, nor when", () => {
    const repeat = failed(2, ACCEPTED_AT_MS, { startedAtMs: 1, dispatcher: "dispatcher-2" });
    expect(logEventId({ ...repeat, atMs: 1 })).toBe(logEventId(failed(2, undefined)));
  });
});
