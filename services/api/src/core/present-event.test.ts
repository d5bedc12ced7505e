import { parseEventId } from "@posthorn/domain";
import { expect, it } from "vitest";
import { type EventData, presentEvent } from "./present-event.ts";

const id = parseEventId("01890a5d-ac96-774b-bcce-b302099a8057");
if (id === undefined) throw new Error("a malformed id");
const EVENT = { id, type: 'a"b', timestamp: undefined, acceptedAtMs: Date.parse("2026-03-24T13:37:00Z") };
const MORE = { deliveries: [], next_cursor: null };

it("data goes into the text byte for byte", () => {
  const text = '{ "n": 1.00000000000000000001, "é":[ ] }';
  const data: EventData = { kind: "present", text: Buffer.from(text) };
  const beginning =
    `{"id":"${id}","type":"a\\"b","timestamp":"2026-03-24T13:37:00.000Z","accepted_at":"2026-03-24T13:37:00.000Z",` +
    `"data":${text},"data_gone":null`;
  expect(presentEvent(EVENT, data, MORE)).toBe(`${beginning},"deliveries":[],"next_cursor":null}`);
  expect(presentEvent(EVENT, data)).toBe(`${beginning}}`);
});

it.each(["age", "deleted"] as const)("data that is gone is null, and says why: %s", (why) => {
  const text = presentEvent({ ...EVENT, timestamp: "2026-03-24T13:37:00+00:00" }, { kind: "gone", why }, MORE);
  expect(JSON.parse(text)).toMatchObject({ timestamp: "2026-03-24T13:37:00+00:00", data: null, data_gone: why });
});
