import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternMatches } from "./pattern.ts";
import { PatternIndex } from "./pattern-index.ts";

describe("PatternIndex", () => {
  it("finds a webhook with overlapping patterns once", () => {
    const index = new PatternIndex<string>();
    index.add("webhook", ["agent.*", "*", "agent.status", "*.status"]);
    expect([...index.match("agent.status")]).toEqual(["webhook"]);
  });

  it("keeps a webhook that shares a pattern with one that was removed", () => {
    const index = new PatternIndex<string>();
    index.add("kept", ["agent.*"]);
    index.add("removed", ["agent.*"]);
    index.remove("removed", ["agent.*"]);
    expect([...index.match("agent.status")]).toEqual(["kept"]);
  });

  it("keeps longer patterns below one that was removed", () => {
    const index = new PatternIndex<string>();
    index.add("short", ["agent"]);
    index.add("long", ["agent.run.*"]);
    index.remove("short", ["agent"]);
    expect([...index.match("agent.run.done")]).toEqual(["long"]);
    expect([...index.match("agent")]).toEqual([]);
  });

  it("finds operational events by their name only", () => {
    const index = new PatternIndex<string>();
    index.add("all", ["*", "*.webhook.*"]);
    index.add("operational", ["posthorn.*"]);
    index.add("one", ["posthorn.webhook.disabled"]);
    expect([...index.match("posthorn.webhook.disabled")].sort()).toEqual(["one", "operational"]);
    expect([...index.match("posthorn")]).toEqual(["all"]);
  });

  it("ignores the removal of what was never added", () => {
    const index = new PatternIndex<string>();
    index.add("kept", ["agent.*"]);
    index.remove("stranger", ["agent.*", "other.pattern", "*"]);
    expect([...index.match("agent.status")]).toEqual(["kept"]);
  });

  it("agrees with patternMatches after any sequence of additions and removals", () => {
    fc.assert(
      fc.property(fc.array(change(), { maxLength: 40 }), fc.array(eventType(), { maxLength: 20 }), (changes, types) => {
        const index = new PatternIndex<number>();
        const subscribed = new Map<number, readonly string[]>();
        for (const { webhook, patterns } of changes) {
          const before = subscribed.get(webhook);
          if (before !== undefined) index.remove(webhook, before);
          if (patterns === undefined) subscribed.delete(webhook);
          else {
            index.add(webhook, patterns);
            subscribed.set(webhook, patterns);
          }
        }
        for (const type of types) {
          const expected = [...subscribed].filter(([, patterns]) => patterns.some((one) => patternMatches(one, type)));
          expect([...index.match(type)].sort()).toEqual(expected.map(([webhook]) => webhook).sort());
        }
      }),
      { numRuns: 300 },
    );
  });
});

const token = () => fc.constantFrom("a", "b", "posthorn");
const eventType = () => fc.array(token(), { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = () =>
  fc.array(fc.oneof(token(), fc.constant("*")), { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));

/** A webhook gets new patterns, or is deleted when there are none. */
const change = () =>
  fc.record({
    webhook: fc.integer({ min: 0, max: 5 }),
    patterns: fc.option(fc.array(pattern(), { minLength: 1, maxLength: 4 }), { nil: undefined }),
  });
