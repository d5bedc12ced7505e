import { expect, it } from "vitest";
import { parseExternalId } from "./external-id.ts";

it.each(["a", "my-webhook", "Run_status.v2", "...", "0", "x".repeat(64)])("takes %j", (text) => {
  expect(parseExternalId(text)).toBe(text);
});

it.each(["", ".", "..", "a b", "a/b", "a%2Fb", "ä", "a\n", "x".repeat(65)])("refuses %j", (text) => {
  expect(parseExternalId(text)).toBeUndefined();
});
