import { describe, expect, it } from "vitest";
import { HOPS_MAX } from "../limits.ts";
import { type EvaluateFilter, explainMatch, type MatchRules } from "./explain-match.ts";

const WEBHOOK = {
  patterns: ["agent.*"],
  filter: undefined,
  isActive: true,
  rateLimit: undefined,
  ordered: false,
} as const;
const EVENT = { type: "agent.status", hops: 0 };

const verdicts: Readonly<Record<string, ReturnType<EvaluateFilter>>> = {
  yes: { kind: "passes" },
  no: { kind: "fails" },
  broken: { kind: "error", message: "field not found: x" },
};

function explain(changes: Partial<MatchRules>, event: Partial<typeof EVENT> = {}) {
  const asked: string[] = [];
  const evaluate: EvaluateFilter = (filter) => {
    asked.push(filter);
    return verdicts[filter] ?? { kind: "error", message: "unknown" };
  };
  return { match: explainMatch({ ...WEBHOOK, ...changes }, { ...EVENT, ...event }, evaluate), asked };
}

describe("what becomes of an event at a webhook", () => {
  it.each<[string, Partial<MatchRules>, object]>([
    ["queued", {}, { kind: "queue" }],
    ["queued when its filter lets it through", { filter: "yes" }, { kind: "queue" }],
    ["held for its slot", { rateLimit: 5 }, { kind: "hold", reason: "rate_limited" }],
    ["held for its turn", { ordered: true }, { kind: "hold", reason: "ordered" }],
    ["held for its turn when both are wanted", { ordered: true, rateLimit: 5 }, { kind: "hold", reason: "ordered" }],
    ["skipped by a paused webhook", { isActive: false, ordered: true }, { kind: "skip", reason: "webhook_inactive" }],
  ])("is %s", (_, changes, start) => {
    expect(explain(changes).match).toEqual({ kind: "matches", start });
  });

  it("is skipped as a loop once it has come through so many deliveries", () => {
    const loop = { kind: "matches", start: { kind: "skip", reason: "loop" } };
    expect(explain({}, { hops: HOPS_MAX }).match).toEqual(loop);
    expect(explain({ isActive: false }, { hops: HOPS_MAX + 1 }).match).toEqual(loop);
    expect(explain({}, { hops: HOPS_MAX - 1 }).match).toEqual({ kind: "matches", start: { kind: "queue" } });
  });

  it("is passed over without a pattern, and nobody asks the filter", () => {
    const { match, asked } = explain({ filter: "yes" }, { type: "deployment.created" });
    expect(match).toEqual({ kind: "passed_over", reason: "no_pattern" });
    expect(asked).toEqual([]);
  });

  it("is passed over by its filter before anything else is looked at", () => {
    const changes = { filter: "no", isActive: false, ordered: true };
    expect(explain(changes, { hops: HOPS_MAX }).match).toEqual({ kind: "passed_over", reason: "filter" });
  });

  it("is passed over when its filter says neither yes nor no", () => {
    expect(explain({ filter: "broken" }).match).toEqual({
      kind: "passed_over",
      reason: "filter_error",
      message: "field not found: x",
    });
  });
});
