import { limits } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonText, objectText } from "./json-text.fixture.ts";
import { parseEvent } from "./parse-event.ts";

describe("parseEvent", () => {
  it("takes the members of an event and leaves out what was not given", () => {
    const event = parsed('{"type":"agent.run.done","data":{"a":1},"id":"order-1","timestamp":"2026-03-24T13:37:00Z"}');
    expect(event).toEqual({
      type: "agent.run.done",
      data: '{"a":1}',
      callerId: "order-1",
      timestamp: "2026-03-24T13:37:00Z",
    });
    expect(parsed('{"type":"a","data":null}')).toEqual({
      type: "a",
      data: "null",
      callerId: undefined,
      timestamp: undefined,
    });
  });

  it.each([
    ["a number that no double holds", "123456789012345678901234567890"],
    ["key order and white space", '{"z" : 1,  "a":\n2, "1":0 }'],
    ["escapes nobody needs", '"\\u0041\\/\\ud83d\\ude00"'],
    ["a member given twice inside data", '{"a":1,"a":2}'],
    ["depth that would overflow a recursive reader", `${"[".repeat(50_000)}${"]".repeat(50_000)}`],
  ])("keeps %s", (_what, data) => {
    expect(parsed(`{"data": ${data} ,"type":"a"}`)).toMatchObject({ data });
  });

  it("keeps data byte for byte, wherever it stands and however it is written", () => {
    const published = jsonText.chain((data) =>
      fc.record({
        data: fc.constant(data),
        body: objectText([
          ["type", '"agent.status"'],
          ["data", data],
          ["id", '"x"'],
        ]),
      }),
    );
    fc.assert(
      fc.property(published, ({ data, body }) => {
        expect(parsed(body)).toMatchObject({ type: "agent.status", data, callerId: "x" });
      }),
    );
  });

  it("takes data up to the limit and refuses the byte beyond it", () => {
    const dataOf = (bytes: number) => `"${"x".repeat(bytes - 2)}"`;
    const largest = dataOf(limits.EVENT_DATA_BYTES_MAX);
    expect(parsed(`{"type":"a","data":${largest}}`)).toMatchObject({ data: largest });
    expect(code(`{"type":"a","data":${dataOf(limits.EVENT_DATA_BYTES_MAX + 1)}}`)).toBe("event_too_large");
  });

  it.each([
    ["nothing", ""],
    ["half an object", '{"type":"a","data":'],
    ["single quotes", "{'type':'a'}"],
    ["a byte-order mark", '\ufeff{"type":"a","data":1}'],
    ["two values", '{"type":"a","data":1} {}'],
    ["NaN", '{"type":"a","data":NaN}'],
  ])("refuses %s as malformed", (_what, body) => {
    expect(code(body)).toBe("malformed_json");
  });

  it.each([
    ["a lone continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a cut-off character", [0xe2, 0x82]],
  ])("refuses %s as invalid UTF-8", (_what, bytes) => {
    const body = Buffer.concat([Buffer.from('{"type":"a","data":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(code(body)).toBe("invalid_utf8");
  });

  it.each([
    ['{"type":"a","data":1,"type":"b"}', '"type"'],
    ['{"data":1,"type":"a","d\\u0061ta":2}', '"data"'],
    ['{"x":1,"x":2}', '"x"'],
  ])("refuses a member given twice: %s", (body, name) => {
    expect(refusal(body)).toMatchObject({ code: "duplicate_member", detail: `The member ${name} is given twice.` });
  });

  it.each([
    ["not an object", "[]", ""],
    ["no type", '{"data":1}', "/type"],
    ["a type that is no string", '{"type":1,"data":1}', "/type"],
    ["a null type", '{"type":null,"data":1}', "/type"],
    ["an empty type", '{"type":"","data":1}', "/type"],
    ["a type with an empty token", '{"type":"a..b","data":1}', "/type"],
    ["a type that is too long", `{"type":"${"a".repeat(129)}","data":1}`, "/type"],
    ["a type of operational events", '{"type":"posthorn.webhook.disabled","data":1}', "/type"],
    ["no data", '{"type":"a"}', "/data"],
    ["an id that is no string", '{"type":"a","data":1,"id":5}', "/id"],
    ["a null id", '{"type":"a","data":1,"id":null}', "/id"],
    ["an id with a space", '{"type":"a","data":1,"id":"a b"}', "/id"],
    ["an id that is too long", `{"type":"a","data":1,"id":"${"x".repeat(129)}"}`, "/id"],
    ["a timestamp that is no date", '{"type":"a","data":1,"timestamp":"2026-02-30T00:00:00Z"}', "/timestamp"],
    ["an unknown member", '{"type":"a","data":1,"channel":"x"}', "/channel"],
    ["an unknown member with a slash", '{"type":"a","data":1,"a/b~c":1}', "/a~1b~0c"],
    ["a member named __proto__", '{"type":"a","data":1,"__proto__":{"id":"x"}}', "/__proto__"],
  ])("refuses %s and says where", (_what, body, path) => {
    expect(refusal(body)).toMatchObject({ code: "invalid_event", errors: [expect.objectContaining({ path })] });
  });

  it("takes types that only look like operational ones", () => {
    for (const type of ["posthorn", "posthorns.a", "a.posthorn.b", "Posthorn.a"]) {
      expect(parsed(`{"type":"${type}","data":1}`)).toMatchObject({ type });
    }
  });

  it("lists everything that is wrong at once", () => {
    const { errors } = refusal('{"typ":"a","id":1}');
    expect(errors.map(({ path }) => path)).toEqual(["/typ", "/type", "/data", "/id"]);
  });
});

function parsed(body: string) {
  const event = parseEvent(Buffer.from(body));
  if (event.kind === "refused") throw new Error(event.refusal.detail);
  return { ...event.value, data: Buffer.from(event.value.data).toString() };
}

function refusal(body: string | Uint8Array) {
  const event = parseEvent(typeof body === "string" ? Buffer.from(body) : body);
  if (event.kind !== "refused") throw new Error("the event was not refused");
  return event.refusal;
}

function code(body: string | Uint8Array): string {
  return refusal(body).code;
}
