import { describe, expect, it } from "vitest";
import { batchRefusal } from "./batch-answer.ts";
import { momentary, type Refusal } from "./refusals.ts";

const tooLarge: Refusal = { code: "event_too_large", detail: "data has too many bytes.", errors: [] };
const noType: Refusal = { code: "invalid_event", detail: "…", errors: [{ path: "/type", message: "is required" }] };

describe("batchRefusal", () => {
  it("lists what is wrong with each event, by its place in the batch", () => {
    expect(batchRefusal([tooLarge, noType]).refusal).toMatchObject({
      code: "invalid_batch",
      errors: [
        { path: "/events/0", message: "data has too many bytes." },
        { path: "/events/1/type", message: "is required" },
      ],
    });
  });

  it("is that of the moment as soon as one event met it: the batch is worth repeating", () => {
    const { refusal } = momentary("not_durable");
    expect(batchRefusal([noType, refusal])).toEqual({ kind: "refused", refusal });
  });
});
