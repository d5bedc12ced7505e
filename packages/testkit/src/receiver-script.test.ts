import { expect, test } from "vitest";
import { answerFor, findHeader, type RecordedRequest } from "./receiver-script.ts";

function requestNumber(index: number): RecordedRequest {
  return {
    index,
    method: "POST",
    path: "/",
    rawHeaders: [],
    body: Buffer.alloc(0),
    arrivedAtMs: 0,
    header: () => undefined,
  };
}

test("a list is answered in its order, and its last step repeats", () => {
  const statuses = [0, 1, 2, 3].map((index) => answerFor([500, 500, 200], requestNumber(index)));
  expect(statuses).toEqual([500, 500, 200, 200].map((status) => ({ kind: "respond", status })));
});

test("an empty list answers 200, a function is asked", () => {
  expect(answerFor([], requestNumber(0))).toEqual({ kind: "respond", status: 200 });
  expect(answerFor((request) => ({ kind: request.index === 1 ? "hang" : "reset" }), requestNumber(1))).toEqual({
    kind: "hang",
  });
});

test("a header is found whatever its spelling, repeats are joined", () => {
  const raw = ["Webhook-Id", "a", "X-Twice", "1", "x-twice", "2"];
  expect(findHeader(raw, "webhook-id")).toBe("a");
  expect(findHeader(raw, "X-TWICE")).toBe("1, 2");
  expect(findHeader(raw, "1")).toBeUndefined();
});
