import { type ConfigValue, type OrgId, patternMatches, type WebhookId } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orgId, present, subscription, webhookId } from "./matcher.fixture.ts";
import { SubscriptionDirectory } from "./subscription-directory.ts";

const KEY = { orgId: orgId(1), webhookId: webhookId(1) };

describe("SubscriptionDirectory", () => {
  it("names a webhook with overlapping patterns once", () => {
    const directory = new SubscriptionDirectory();
    directory.apply(KEY, present(1, { patterns: ["agent.*", "*", "agent.status"] }));
    expect(webhooksFor(directory, "agent.status")).toEqual([webhookId(1)]);
  });

  it("still matches a paused webhook, and says that it is paused", () => {
    const directory = new SubscriptionDirectory();
    directory.apply(KEY, present(1, { isActive: false }));
    expect(directory.webhooksFor(KEY.orgId, "agent.status")).toEqual([subscription({ isActive: false })]);
  });

  it("forgets a remembered result when a webhook changes", () => {
    const directory = new SubscriptionDirectory();
    directory.apply(KEY, present(1, { patterns: ["agent.status"] }));
    expect(webhooksFor(directory, "agent.status")).toEqual([webhookId(1)]);
    directory.apply(KEY, present(2, { patterns: ["agent.done"] }));
    expect(webhooksFor(directory, "agent.status")).toEqual([]);
    directory.apply(KEY, present(3, { patterns: ["agent.status"], profile: "mutx" }));
    directory.apply(KEY, present(4, { patterns: ["agent.status"], profile: "znyx" }));
    expect(directory.webhooksFor(KEY.orgId, "agent.status").map(({ profile }) => profile)).toEqual(["znyx"]);
    directory.apply(KEY, { kind: "deleted", version: 5 });
    expect(webhooksFor(directory, "agent.status")).toEqual([]);
  });

  it.each([
    { filter: "data.a == 1.0" },
    { isActive: false },
    { ordered: true },
    { rateLimit: 5 },
    { profile: "znyx" },
    { eventTypePrefix: "x-" },
  ] as const)("forgets a remembered result when a webhook becomes %j", (changes) => {
    const directory = new SubscriptionDirectory();
    directory.apply(KEY, present(1));
    expect(directory.webhooksFor(KEY.orgId, "agent.status")).toEqual([subscription()]);
    directory.apply(KEY, present(2, changes));
    expect(directory.webhooksFor(KEY.orgId, "agent.status")).toEqual([subscription(changes)]);
  });

  it("keeps remembered results when only the URL or a secret changes", () => {
    const directory = new SubscriptionDirectory();
    directory.apply(KEY, present(1));
    const before = directory.webhooksFor(KEY.orgId, "agent.status");
    expect(directory.apply(KEY, present(2, { url: "https://example.com/new" }))).toBe("applied");
    expect(directory.webhooksFor(KEY.orgId, "agent.status")).toBe(before);
    expect(directory.apply(KEY, present(2, { patterns: ["other"] }))).toBe("stale");
  });

  it("does not take a webhook under the key of another organisation or webhook", () => {
    const directory = new SubscriptionDirectory();
    expect(directory.apply({ ...KEY, orgId: orgId(2) }, present(1))).toBe("foreign");
    expect(directory.apply({ ...KEY, webhookId: webhookId(2) }, present(1))).toBe("foreign");
    const organisation: ConfigValue = {
      kind: "present",
      version: 1,
      entry: { kind: "organisation", id: orgId(1), strictEventTypes: false },
    };
    expect(directory.apply(KEY, organisation)).toBe("foreign");
    expect(directory.size).toBe(0);
  });

  it("stays right while publishers invent types without end", () => {
    const directory = new SubscriptionDirectory();
    directory.apply(KEY, present(1, { patterns: ["agent.*"] }));
    for (let number = 0; number < 1_500; number += 1) {
      expect(directory.webhooksFor(KEY.orgId, `agent.${number}`)).toHaveLength(1);
      expect(directory.webhooksFor(KEY.orgId, `other.${number}`)).toHaveLength(0);
    }
    directory.apply(KEY, { kind: "deleted", version: 2 });
    expect(directory.webhooksFor(KEY.orgId, "agent.1")).toHaveLength(0);
  });

  it("equals a naive model after any changes, in any order of versions, with matches in between", () => {
    fc.assert(
      fc.property(fc.array(step(), { maxLength: 60 }), (steps) => {
        const directory = new SubscriptionDirectory();
        const model: Change[] = [];
        for (const one of steps) {
          if (one.kind === "change") {
            directory.apply(one, one.value);
            model.push(one);
          } else {
            expect(webhooksFor(directory, one.type, one.orgId)).toEqual(naiveMatch(model, one.type, one.orgId));
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

function webhooksFor(directory: SubscriptionDirectory, type: string, organisation: OrgId = KEY.orgId) {
  return directory
    .webhooksFor(organisation, type)
    .map((one) => one.webhookId)
    .sort();
}

type Change = {
  readonly kind: "change";
  readonly orgId: OrgId;
  readonly webhookId: WebhookId;
  readonly value: ConfigValue;
};

/** Of each webhook the first value with the highest version counts. */
function naiveMatch(changes: readonly Change[], type: string, organisation: OrgId): readonly WebhookId[] {
  const newest = new Map<WebhookId, ConfigValue>();
  for (const { orgId, webhookId, value } of changes) {
    if (orgId !== organisation) continue;
    const held = newest.get(webhookId);
    if (held === undefined || held.version < value.version) newest.set(webhookId, value);
  }
  const matching = [...newest].filter(
    ([, value]) =>
      value.kind === "present" &&
      value.entry.kind === "webhook" &&
      value.entry.patterns.some((pattern) => patternMatches(pattern, type)),
  );
  return matching.map(([id]) => id).sort();
}

const token = () => fc.constantFrom("a", "b");
const patterns = () => {
  const pattern = fc.array(fc.oneof(token(), fc.constant("*")), { minLength: 1, maxLength: 3 });
  return fc.array(
    pattern.map((tokens) => tokens.join(".")),
    { minLength: 1, maxLength: 3 },
  );
};
const eventType = () => fc.array(token(), { minLength: 1, maxLength: 3 }).map((tokens) => tokens.join("."));

const change = (): fc.Arbitrary<Change> =>
  fc
    .record({
      organisation: fc.integer({ min: 1, max: 2 }).map(orgId),
      id: fc.integer({ min: 1, max: 4 }).map(webhookId),
      version: fc.integer({ min: 1, max: 8 }),
      patterns: fc.option(patterns(), { nil: undefined }),
      isActive: fc.boolean(),
    })
    .map(({ organisation, id, version, patterns, isActive }) => ({
      kind: "change",
      orgId: organisation,
      webhookId: id,
      value:
        patterns === undefined
          ? { kind: "deleted", version }
          : present(version, { orgId: organisation, id, patterns, isActive }),
    }));

const step = () =>
  fc.oneof(
    change(),
    fc.record({
      kind: fc.constant("match" as const),
      type: eventType(),
      orgId: fc.integer({ min: 1, max: 3 }).map(orgId),
    }),
  );
