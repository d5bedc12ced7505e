import { expect, it } from "vitest";
import { ResponseBody } from "./response-body.ts";

function bodyOf(...chunks: readonly string[]): ResponseBody {
  const body = new ResponseBody(4);
  for (const chunk of chunks) body.add(Buffer.from(chunk));
  return body;
}

it.each([
  [[], "", false],
  [["abcd"], "abcd", false],
  [["ab", "cd"], "abcd", false],
  [["abcde"], "abcd", true],
  [["ab", "cde"], "abcd", true],
  [["abcd", "e"], "abcd", true],
])("of %j keeps %j and knows whether there was more: %s", (chunks, kept, isLonger) => {
  const body = bodyOf(...chunks);
  expect(Buffer.from(body.bytes()).toString()).toBe(kept);
  expect(body.isLongerThanKept).toBe(isLonger);
  expect(body.bytesRead).toBe(chunks.join("").length);
});

it("gives a copy that later writes to the socket's buffer do not change", () => {
  const chunk = Buffer.from("abcd");
  const body = new ResponseBody(4);
  body.add(chunk);
  const kept = body.bytes();
  chunk.fill("x");
  expect(Buffer.from(kept).toString()).toBe("abcd");
});
