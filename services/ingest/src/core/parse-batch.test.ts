import { limits } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonText, objectText } from "./json-text.fixture.ts";
import { parseBatch } from "./parse-batch.ts";

describe("parseBatch", () => {
  it("keeps the data of every event byte for byte, in order", () => {
    const batches = fc.array(jsonText, { minLength: 1, maxLength: 5 }).chain((all) =>
      fc.record({
        all: fc.constant(all),
        events: fc.tuple(...all.map(eventText)),
      }),
    );
    fc.assert(
      fc.property(batches, ({ all, events }) => {
        expect(elements(`{ "events" : [ ${events.join(" , ")} ] }`)).toEqual(all);
      }),
    );
  });

  it("tells what is wrong with one event by that event alone", () => {
    const [sound, wrong, twice] = [
      '{"type":"a","data":1}',
      '{"type":"a b","data":1}',
      '{"type":"a","data":1,"data":2}',
    ];
    const body = `{"events":[${sound},${wrong},${twice},7,{"type":"b","data":2}]}`;
    expect(elements(body)).toEqual(["1", "invalid_event", "duplicate_member", "invalid_event", "2"]);
  });

  it.each([1, limits.BATCH_EVENTS_MAX])("takes %i events", (count) => {
    expect(elements(batchOf(count))).toHaveLength(count);
  });

  it.each([0, limits.BATCH_EVENTS_MAX + 1])("refuses %i events", (count) => {
    expect(refusal(batchOf(count))).toMatchObject({
      code: "invalid_batch",
      errors: [{ path: "/events", message: `must have 1 to 1000 events, has ${count}` }],
    });
  });

  it.each([
    ["malformed_json", '{"events":['],
    ["duplicate_member", '{"events":[],"events":[]}'],
    ["invalid_batch", "[]"],
    ["invalid_batch", "{}"],
    ["invalid_batch", '{"events":{}}'],
    ["invalid_batch", '{"events":[{"type":"a","data":1}],"more":1}'],
  ])("refuses as %s: %s", (code, body) => {
    expect(refusal(body).code).toBe(code);
  });
});

function eventText(data: string): fc.Arbitrary<string> {
  return objectText([
    ["type", '"a"'],
    ["data", data],
  ]);
}

function batchOf(count: number): string {
  return `{"events":[${Array.from({ length: count }, () => '{"type":"a","data":1}').join(",")}]}`;
}

/** The data of each event, or the code of its refusal. */
function elements(body: string): string[] {
  const batch = parseBatch(Buffer.from(body));
  if (batch.kind === "refused") throw new Error(batch.refusal.detail);
  return batch.value.map((event) =>
    event.kind === "sound" ? Buffer.from(event.value.data).toString() : event.refusal.code,
  );
}

function refusal(body: string) {
  const batch = parseBatch(Buffer.from(body));
  if (batch.kind !== "refused") throw new Error("the batch was not refused");
  return batch.refusal;
}
