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
  retried,
  skipped,
  succeeded,
} from "./delivery.fixture.ts";
import { logEventId } from "./delivery-event.ts";

describe("logEventId", () => {
  const { deliveryId, eventId, orgId } = IDENTITY;

  it.each([
    [created, `${deliveryId}:created`],
    [skipped, `${deliveryId}:skipped`],
    [deferred(2, 3), `${deliveryId}:deferred:2:3`],
    [succeeded(2), `${deliveryId}:outcome:2`],
    [failed(2, undefined), `${deliveryId}:outcome:2`],
    [exhausted("expired", 1), `${deliveryId}:exhausted:0`],
    [cancelled, `${deliveryId}:cancelled:0`],
    [retried(2, 3, true), `${deliveryId}:retried:2:3`],
  ])("of $kind is $1", (event, id) => {
    expect(logEventId(event)).toBe(id);
  });

  it("of an event that nobody wanted names the event", () => {
    const unmatched = { kind: "event.unmatched", orgId, eventId, atMs: ACCEPTED_AT_MS, event: EVENT_FACTS } as const;
    expect(logEventId(unmatched)).toBe(`${eventId}:unmatched`);
  });

  it("tells a wish or a deferral from one of an earlier attempt that came too late to use its release up", () => {
    expect(logEventId(retried(3, 1, true))).not.toBe(logEventId(retried(2, 1, false)));
    expect(logEventId(deferred(3, 1))).not.toBe(logEventId(deferred(2, 1)));
  });

  it("does not depend on who recorded it, nor when", () => {
    const repeat = failed(2, ACCEPTED_AT_MS, { startedAtMs: 1, dispatcher: "dispatcher-2" });
    expect(logEventId({ ...repeat, atMs: 1 })).toBe(logEventId(failed(2, undefined)));
  });
});
