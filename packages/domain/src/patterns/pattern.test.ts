import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternMatches, patternProblem } from "./pattern.ts";

describe("patternMatches", () => {
  it.each([
    // Exact.
    ["agent.status", "agent.status", true],
    ["agent.status", "agent.statuses", false],
    ["agent.status", "agent", false],
    ["agent", "agent.status", false],
    ["agent.status", "Agent.status", false],
    // `*` alone matches everything.
    ["*", "agent", true],
    ["*", "agent.run.done", true],
    // A final `*`: one or more further tokens.
    ["agent.*", "agent.status", true],
    ["agent.*", "agent.run.done", true],
    ["agent.*", "agent", false],
    ["agent.*", "agents.x", false],
    // A `*` anywhere else: exactly one token.
    ["*.done", "run.done", true],
    ["*.done", "agent.run.done", false],
    ["agent.*.done", "agent.run.done", true],
    ["agent.*.done", "agent.done", false],
    ["agent.*.done", "agent.a.b.done", false],
    ["agent.*.*", "agent.run", false],
    ["agent.*.*", "agent.run.done", true],
    ["agent.*.*", "agent.run.done.twice", true],
    ["*.*", "agent", false],
    ["*.*", "agent.run.done", true],
    // Operational events are wanted by name only.
    ["posthorn.*", "posthorn.webhook.disabled", true],
    ["posthorn.*.disabled", "posthorn.webhook.disabled", true],
    ["posthorn.webhook.disabled", "posthorn.webhook.disabled", true],
    ["*", "posthorn.webhook.disabled", false],
    ["*.webhook.disabled", "posthorn.webhook.disabled", false],
    ["*.*", "posthorn.webhook.disabled", false],
    ["*", "posthorn", true],
    ["*", "posthorns.x", true],
    ["agent.*", "agent.posthorn.x", true],
    // Nothing in a token is special to a regular expression or a JavaScript object.
    ["a-b_c.D1", "a-b_c.D1", true],
    ["constructor.*", "constructor.__proto__", true],
  ])("%s against %s: %s", (pattern, type, matches) => {
    expect(patternMatches(pattern, type)).toBe(matches);
  });

  it("agrees with a regular expression written from the same sentence", () => {
    fc.assert(
      fc.property(pattern(), eventType(), (pattern, type) => {
        expect(patternMatches(pattern, type)).toBe(asRegExp(pattern).test(type));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("patternProblem", () => {
  it.each(["*", "agent", "agent.*", "*.done", "agent.*.done", "a-b_c.D1", "x".repeat(128)])("accepts %s", (pattern) => {
    expect(patternProblem(pattern)).toBeUndefined();
  });

  it.each(["", "x".repeat(129)])("refuses a pattern of %j by its length", (pattern) => {
    expect(patternProblem(pattern)).toBe(`must have 1 to 128 characters, has ${pattern.length}`);
  });

  it.each([
    ".",
    "agent.",
    ".agent",
    "agent..run",
    "agent*",
    "*agent",
    "**",
    "agent.**",
    "agent run",
    "é",
    "a\n",
    "a/b",
  ])("refuses %j by its tokens", (pattern) => {
    expect(patternProblem(pattern)).toMatch(/^must be tokens joined by single dots/);
  });
});

/** Few distinct tokens, so that matches are common. */
const token = () => fc.constantFrom("a", "b", "posthorn");
const eventType = () => fc.array(token(), { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join("."));
const pattern = () =>
  fc.array(fc.oneof(token(), fc.constant("*")), { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join("."));

function asRegExp(pattern: string): RegExp {
  const tokens = pattern.split(".");
  const last = tokens.length - 1;
  const parts = tokens.map((token, index) => (token !== "*" ? token : index === last ? ".+" : "[^.]+"));
  const notOperational = tokens[0] === "*" ? "(?!posthorn\\.)" : "";
  return new RegExp(`^${notOperational}${parts.join("\\.")}$`);
}
