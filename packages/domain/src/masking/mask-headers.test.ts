import { expect, it } from "vitest";
import { maskHeaders } from "./mask-headers.ts";

it.each([
  [["Set-Cookie", "session=canary"], "***"],
  [["location", "https://example.com/next?token=canary"], "https://example.com/next?token=***"],
  [["content-type", "text/plain; charset=utf-8"], "text/plain; charset=utf-8"],
  [["retry-after", "5"], "5"],
] as const)("masks %j as %j", ([name, value], expected) => {
  expect(maskHeaders([[name, value]])).toEqual([[name, expected]]);
});
