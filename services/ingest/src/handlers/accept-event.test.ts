import { type AcceptedEvent, type EventId, type OrgId, parseEventId, parseOrgId } from "@posthorn/domain";
import type { SpanStart, Tracing } from "@posthorn/service-runtime";
import { describe, expect, it } from "vitest";
import { NO_IDEMPOTENCY } from "../core/dedupe-key.ts";
import type { NewEvent } from "../core/new-event.ts";
import { type Checked, refused, sound } from "../core/refusals.ts";
import { createAcceptEvent } from "./accept-event.ts";
import type { CheckEvent } from "./check-event.ts";

const ID = "0199aaaa-0000-7000-8000-000000000001";
const [org, first, second] = [parseOrgId(ID), parseEventId(ID), parseEventId(ID.replace(/1$/, "2"))];
if (org === undefined || first === undefined || second === undefined) throw new Error("not an id");
const ORG: OrgId = org;
const NEW_ID: EventId = first;
const EARLIER_ID: EventId = second;

const NOW_MS = 1_774_359_420_000;
const EVENT = { type: "a.b", data: Buffer.from("1"), timestamp: undefined, callerId: undefined };
const PUBLISH = { org: ORG, idempotency: NO_IDEMPOTENCY, traceparent: "parent", hops: undefined };

type Appended = Awaited<ReturnType<Parameters<typeof createAcceptEvent>[0]["log"]["append"]>>;

describe("createAcceptEvent", () => {
  it("stores the event under a new id with the trace of its own span", async () => {
    const ingest = ingestThat({ kind: "stored", id: NEW_ID, duplicate: false });
    expect(await ingest.accept(sound(EVENT), PUBLISH)).toEqual({ kind: "accepted", id: NEW_ID, duplicate: false });
    expect(ingest.appended).toEqual([
      {
        ...EVENT,
        id: NEW_ID,
        orgId: ORG,
        acceptedAtMs: NOW_MS,
        traceparent: "child of parent",
        forWebhook: undefined,
        hops: 0,
      },
    ]);
    expect(ingest.happenings).toEqual(["span publish of a.b", "span ended", "accepted in 5 ms"]);
  });

  it("answers a duplicate with the earlier id", async () => {
    const ingest = ingestThat({ kind: "stored", id: EARLIER_ID, duplicate: true });
    expect(await ingest.accept(sound(EVENT), PUBLISH)).toEqual({ kind: "accepted", id: EARLIER_ID, duplicate: true });
    expect(ingest.happenings.at(-1)).toBe("duplicate in 5 ms");
  });

  it.each<[string, Appended]>([
    ["stream_full", { kind: "unavailable", code: "stream_full" }],
    ["not_durable", { kind: "unavailable", code: "not_durable" }],
    ["duplicate_unreadable", { kind: "unreadable" }],
  ])("says %s when the event is not stored, and fails its span", async (code, appended) => {
    const ingest = ingestThat(appended);
    expect(await ingest.accept(sound(EVENT), PUBLISH)).toMatchObject({ kind: "refused", refusal: { code } });
    expect(ingest.happenings.slice(1)).toEqual([`span failed: ${code}`, "span ended", `refused: ${code}`]);
  });

  it("notes an event that was refused before, and stores nothing", async () => {
    const ingest = ingestThat({ kind: "unreadable" });
    const refusal = refused("invalid_event", "…");
    expect(await ingest.accept(refusal, PUBLISH)).toBe(refusal);
    expect(ingest.happenings).toEqual(["refused: invalid_event"]);
  });

  it("keeps how many deliveries led to the event, and refuses what is no number", async () => {
    const ingest = ingestThat({ kind: "stored", id: NEW_ID, duplicate: false });
    await ingest.accept(sound(EVENT), { ...PUBLISH, hops: "3" });
    expect(ingest.appended.map(({ hops }) => hops)).toEqual([3]);
    const refusal = await ingest.accept(sound(EVENT), { ...PUBLISH, hops: "many" });
    expect(refusal).toMatchObject({ kind: "refused", refusal: { code: "invalid_hops" } });
    expect(ingest.appended).toHaveLength(1);
  });

  it("notes an event that does not fit the catalogue, and stores nothing", async () => {
    const refusal = refused("unknown_event_type", "…");
    const ingest = ingestThat({ kind: "unreadable" }, async () => refusal);
    expect(await ingest.accept(sound(EVENT), PUBLISH)).toBe(refusal);
    expect(ingest.happenings).toEqual(["refused: unknown_event_type"]);
  });

  it("stores in the order in which events came, also behind one that has to be looked at twice", async () => {
    const later = Promise.withResolvers<Checked<NewEvent>>();
    const ingest = ingestThat({ kind: "stored", id: NEW_ID, duplicate: false }, (_org, event) =>
      event.type === "slow" ? later.promise : sound(event),
    );
    const slow = ingest.accept(sound({ ...EVENT, type: "slow" }), PUBLISH);
    const first = ingest.accept(sound({ ...EVENT, type: "first" }), PUBLISH);
    const second = ingest.accept(sound({ ...EVENT, type: "second" }), PUBLISH);
    // Nothing was waited for: both are in the log within the turn in which they came.
    expect(ingest.appended.map(({ type }) => type)).toEqual(["first", "second"]);
    later.resolve(sound({ ...EVENT, type: "slow" }));
    await Promise.all([slow, first, second]);
    expect(ingest.appended.map(({ type }) => type)).toEqual(["first", "second", "slow"]);
  });
});

/** Ingest whose log gives this answer 5 ms later, and what happened there. */
function ingestThat(answer: Appended, checkEvent: CheckEvent = (_org, event) => sound(event)) {
  const happenings: string[] = [];
  const appended: AcceptedEvent[] = [];
  let clockMs = 100;
  const tracing: Pick<Tracing, "enabled" | "startSpan"> = {
    enabled: true,
    startSpan: (name: string, { parent, attributes }: SpanStart) => {
      happenings.push(`span ${name} of ${attributes?.["posthorn.event.type"]}`);
      return {
        traceparent: `child of ${parent}`,
        setAttributes: () => {},
        fail: (errorType) => happenings.push(`span failed: ${errorType}`),
        end: () => happenings.push("span ended"),
      };
    },
  };
  const accept = createAcceptEvent({
    checkEvent,
    log: {
      append: async (event) => {
        appended.push(event);
        clockMs += 5;
        return answer;
      },
    },
    tracing,
    events: {
      accepted: (duplicate, durationMs) =>
        happenings.push(`${duplicate ? "duplicate" : "accepted"} in ${durationMs} ms`),
      refused: (code) => happenings.push(`refused: ${code}`),
    },
    newEventId: () => NEW_ID,
    nowMs: () => NOW_MS,
    monotonicMs: () => clockMs,
  });
  return { accept, appended, happenings };
}
