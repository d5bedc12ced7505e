import { type AcceptedEvent, type EventId, type OrgId, parseEventId, parseOrgId } from "@posthorn/domain";
import type { SpanStart, Tracing } from "@posthorn/service-runtime";
import { describe, expect, it } from "vitest";
import { NO_IDEMPOTENCY } from "../core/dedupe-key.ts";
import { refused, sound } from "../core/refusals.ts";
import { createAcceptEvent } from "./accept-event.ts";

const ID = "0199aaaa-0000-7000-8000-000000000001";
const [org, first, second] = [parseOrgId(ID), parseEventId(ID), parseEventId(ID.replace(/1$/, "2"))];
if (org === undefined || first === undefined || second === undefined) throw new Error("not an id");
const ORG: OrgId = org;
const NEW_ID: EventId = first;
const EARLIER_ID: EventId = second;

const NOW_MS = 1_774_359_420_000;
const EVENT = { type: "a.b", data: Buffer.from("1"), timestamp: undefined, callerId: undefined };
const PUBLISH = { org: ORG, idempotency: NO_IDEMPOTENCY, traceparent: "parent" };

type Appended = Awaited<ReturnType<Parameters<typeof createAcceptEvent>[0]["log"]["append"]>>;

describe("createAcceptEvent", () => {
  it("stores the event under a new id with the trace of its own span", async () => {
    const ingest = ingestThat({ kind: "stored", id: NEW_ID, duplicate: false });
    expect(await ingest.accept(sound(EVENT), PUBLISH)).toEqual({ kind: "accepted", id: NEW_ID, duplicate: false });
    expect(ingest.appended).toEqual([
      { ...EVENT, id: NEW_ID, orgId: ORG, acceptedAtMs: NOW_MS, traceparent: "child of parent" },
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
});

/** Ingest whose log gives this answer 5 ms later, and what happened there. */
function ingestThat(answer: Appended) {
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
