import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AcceptedEvent } from "../events/event.ts";
import { deliveryIdOf, type EventId, type OrgId, parseEventId, parseOrgId, parseWebhookId } from "../ids/ids.ts";
import { jsonText } from "../json/json-text.fixture.ts";
import type { ProfileName } from "./profile.ts";
import { type RenderedBody, renderBody } from "./render-body.ts";

const ODD_DATA = '{ "z": 123456789012345678901234567890, "1":1.0,"a":"\\u00e9\\/" ,"z2":[1e3,-0] }';
const EVENT_ID = "01890a5d-ac96-774b-bcce-b302099a8057";
const ORG_ID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const DELIVERY_ID = "1d400355-0ca2-5ef1-bfe8-29c006899080";
const ACCEPTED_AT = "2026-03-24T13:37:00.000Z";

describe("renderBody", () => {
  it.each<[ProfileName, string]>([
    ["standard", `{"type":"agent.status","timestamp":"${ACCEPTED_AT}","data":${ODD_DATA}}`],
    ["myop", `{"event":"agent.status","timestamp":"${ACCEPTED_AT}","organizationId":"${ORG_ID}","data":${ODD_DATA}}`],
    ["nextmv", ODD_DATA],
    ["znyx", `{"id":"${EVENT_ID}","event":"agent.status","timestamp":"${ACCEPTED_AT}","data":${ODD_DATA}}`],
  ])("puts data into %s byte for byte: big numbers, key order, escapes and white space", (profile, body) => {
    expect(textOf(profile, event({ data: ODD_DATA }))).toBe(body);
  });

  it("dispatches to GitHub: the type with its prefix and dashes, data as the payload", () => {
    const body = rendered("github-dispatch", event({ data: ODD_DATA }), "myop-");
    expect(body).toEqual({
      kind: "body",
      bytes: Buffer.from(`{"event_type":"myop-agent-status","client_payload":${ODD_DATA}}`),
    });
  });

  it("gives the caller's timestamp verbatim", () => {
    const given = event({ timestamp: "2026-03-24t14:37:00.5+01:00" });
    expect(textOf("standard", given)).toBe(
      '{"type":"agent.status","timestamp":"2026-03-24t14:37:00.5+01:00","data":{}}',
    );
  });

  it("holds data's bytes in every profile but mutx, whatever they are", () => {
    fc.assert(
      fc.property(
        jsonText({ duplicates: true }),
        fc.constantFrom("standard", "myop", "nextmv", "znyx"),
        (data, profile) => {
          const body = textOf(profile, event({ data }));
          expect(profile === "nextmv" ? body : body.slice(body.indexOf('"data":') + 7, -1)).toBe(data);
          expect(JSON.stringify(dataOf(profile, JSON.parse(body)))).toBe(JSON.stringify(JSON.parse(data)));
        },
      ),
    );
  });
});

describe("renderBody for mutx", () => {
  it("re-serialises the whole envelope, with a time that old Pythons parse", () => {
    const body = textOf("mutx", event({ data: '{ "b" : 1.0, "1": "\\u00e9" }' }));
    expect(body).toBe(
      '{"event":"agent.status","timestamp":"2026-03-24T13:37:00.000000+00:00",' +
        `"delivery_id":"${DELIVERY_ID}","data":{"1":"é","b":1}}`,
    );
  });

  it.each([
    ["2026-03-24T13:37:00Z", "2026-03-24T13:37:00+00:00"],
    ["2026-03-24T13:37:00.25z", "2026-03-24T13:37:00.25+00:00"],
    ["2026-03-24T14:37:00+01:00", "2026-03-24T14:37:00+01:00"],
  ])("writes the caller's %s as %s", (timestamp, written) => {
    const body: unknown = JSON.parse(textOf("mutx", event({ timestamp })));
    expect(body).toMatchObject({ timestamp: written });
  });

  it.each([
    ["12345678901234567890", "the number 12345678901234567890 has no exact JavaScript form"],
    ['{"a":1,"a":2}', 'the member "a" is given twice'],
  ])("refuses data %s, which its receivers would read as something else", (data, reason) => {
    expect(rendered("mutx", event({ data }))).toEqual({ kind: "unrepresentable", reason });
  });

  it("is a fixed point of JSON.parse and JSON.stringify, with the same data", () => {
    fc.assert(
      fc.property(jsonText({ duplicates: true }), (data) => {
        const body = rendered("mutx", event({ data }));
        if (body.kind === "unrepresentable") return;
        const text = Buffer.from(body.bytes).toString();
        expect(JSON.stringify(JSON.parse(text))).toBe(text);
        expect(JSON.stringify(dataOf("mutx", JSON.parse(text)))).toBe(JSON.stringify(JSON.parse(data)));
      }),
    );
  });
});

function event({ data = "{}", timestamp }: { data?: string; timestamp?: string } = {}): AcceptedEvent {
  return {
    id: parsed(parseEventId(EVENT_ID)) satisfies EventId,
    orgId: parsed(parseOrgId(ORG_ID)) satisfies OrgId,
    type: "agent.status",
    timestamp,
    acceptedAtMs: Date.parse(ACCEPTED_AT),
    data: Buffer.from(data),
    traceparent: "",
    callerId: undefined,
    forWebhook: undefined,
    hops: 0,
  };
}

function deliveryId() {
  return deliveryIdOf(parsed(parseEventId(EVENT_ID)), parsed(parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad90")));
}

function parsed<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not a UUID");
  return id;
}

function rendered(profile: ProfileName, event: AcceptedEvent, eventTypePrefix = ""): RenderedBody {
  return renderBody({ profile, eventTypePrefix, messageId: deliveryId() }, event);
}

function textOf(profile: ProfileName, event: AcceptedEvent): string {
  const body = rendered(profile, event);
  if (body.kind === "unrepresentable") throw new Error(body.reason);
  return Buffer.from(body.bytes).toString();
}

function dataOf(profile: ProfileName, body: unknown): unknown {
  return profile === "nextmv" ? body : (body as { data: unknown }).data;
}
