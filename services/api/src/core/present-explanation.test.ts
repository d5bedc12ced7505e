import { type FilterVerdict, limits } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { type ExplainedWebhook, presentExplanation } from "./present-explanation.ts";

const WEBHOOK: ExplainedWebhook = {
  id: "1",
  url: "https://example.com/hook?token=canary",
  patterns: ["deployment.*", "agent.*"],
  filter: undefined,
  isActive: true,
  rateLimit: undefined,
  ordered: false,
  disabledReason: undefined,
};

const EVENT = { type: "agent.status", hops: 0 };

function explain(changes: Partial<ExplainedWebhook>, event = EVENT, verdict: FilterVerdict = { kind: "passes" }) {
  const { would_deliver, reason, detail } = presentExplanation({ ...WEBHOOK, ...changes }, event, () => verdict);
  return { would_deliver, reason, detail };
}

const MISSES = (reason: string, detail: string | null = null) => ({ would_deliver: false, reason, detail });

describe("a webhook would get an event", () => {
  it.each([
    ["of a type that one of its patterns matches", {}],
    ["that its filter lets pass", { filter: "true" }],
    ["in its turn", { ordered: true }],
    ["at its pace", { rateLimit: 1 }],
  ])("%s", (_what, changes) => {
    expect(explain(changes)).toEqual({ would_deliver: true, reason: null, detail: null });
  });
});

describe("a webhook would not get an event", () => {
  it("of another type", () => {
    expect(explain({ isActive: false }, { ...EVENT, type: "run.done" })).toEqual(MISSES("no_pattern"));
  });

  it("that its filter does not let pass", () => {
    expect(explain({ filter: "x" }, EVENT, { kind: "fails" })).toEqual(MISSES("filter"));
  });

  it("that its filter cannot say anything of", () => {
    const verdict = { kind: "error", message: "no such key: level" } as const;
    expect(explain({ filter: "x" }, EVENT, verdict)).toEqual(MISSES("filter_error", "no such key: level"));
  });

  it("whose data is not there to be filtered, though only if there is a filter", () => {
    const unasked = presentExplanation({ ...WEBHOOK, filter: "x" }, EVENT, undefined);
    expect(unasked).toMatchObject({ would_deliver: false, reason: "no_data" });
    expect(presentExplanation(WEBHOOK, EVENT, undefined).reason).toBeNull();
  });

  it("while it is paused or disabled", () => {
    expect(explain({ isActive: false })).toEqual(MISSES("webhook_inactive"));
    expect(explain({ isActive: false, disabledReason: "gone" })).toEqual(MISSES("webhook_disabled"));
  });

  it("that deliveries led to again and again", () => {
    expect(explain({}, { ...EVENT, hops: limits.HOPS_MAX })).toEqual(MISSES("loop"));
  });
});

it("an explanation names the webhook, without what its URL keeps secret", () => {
  expect(presentExplanation(WEBHOOK, EVENT, undefined)).toMatchObject({
    webhook_id: "1",
    url: "https://example.com/hook?token=***",
  });
});
