import { expect, it } from "vitest";
import { readJson } from "./read-json.ts";

it.each([["{}"], ['{"a":{"b":1},"c":{"b":1}}'], ["[1,[2]]"], ['"a"'], ["null"], ['{"a":"{\\"a\\":1,\\"a\\":2}"}']])(
  "%s is read",
  (text) => expect(readJson(Buffer.from(text))).toEqual({ kind: "value", value: JSON.parse(text) }),
);

it.each([
  ["nothing", undefined, "The body is empty where JSON was expected."],
  ["an empty text", Buffer.from(""), "The body is empty where JSON was expected."],
  ["half a text", Buffer.from('{"secret":"whsec_'), "The body is not valid JSON in UTF-8."],
  ["a byte-order mark", Buffer.from("\ufeff{}"), "The body is not valid JSON in UTF-8."],
  ["what is no UTF-8", Buffer.from([0x22, 0xc3, 0x22]), "The body is not valid JSON in UTF-8."],
  ["a member given twice", Buffer.from('{"a":1,"a":2}'), 'The body has an object with two members of the name "a".'],
  [
    "one given twice inside",
    Buffer.from('[{"b":{"a":1,"\\u0061":2}}]'),
    'The body has an object with two members of the name "a".',
  ],
])("%s is refused", (_what, body, detail) => {
  expect(readJson(body)).toEqual({ kind: "refused", problem: { status: 400, detail } });
});
