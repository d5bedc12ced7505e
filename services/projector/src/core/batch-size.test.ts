import { expect, test } from "vitest";
import { batchSize } from "./batch-size.ts";

const limits = { messagesMax: 3, bytesMax: 100 };
const message = (byteCount: number) => ({ byteCount });

test.each([
  ["nothing, when nothing waits", [], 0],
  ["everything that waits, within the limits", [message(1), message(1)], 2],
  ["as many messages as are allowed", [message(1), message(1), message(1), message(1)], 3],
  ["as many as hold the bytes that are allowed, to the last byte", [message(60), message(40), message(1)], 2],
  ["as many as hold the bytes that are allowed", [message(60), message(41)], 1],
  ["the first one, however large it is", [message(101), message(1)], 1],
])("a batch takes %s", (_, waiting, expected) => {
  expect(batchSize(waiting, limits)).toBe(expected);
});
