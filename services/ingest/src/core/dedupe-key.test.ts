import { type OrgId, parseOrgId } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dedupeKeyOf, type Idempotency, NO_IDEMPOTENCY, parseIdempotencyKey } from "./dedupe-key.ts";

const ORGS = [org("0199aaaa-0000-7000-8000-000000000001"), org("0199aaaa-0000-7000-8000-000000000002")] as const;

describe("dedupeKeyOf", () => {
  it("gives no key when nothing was given", () => {
    expect(dedupeKeyOf(ORGS[0], undefined, NO_IDEMPOTENCY)).toEqual({ kind: "sound", value: undefined });
  });

  it("gives different sources different keys, whatever their texts", () => {
    const text = fc.stringMatching(/^[0-9#:/a]{1,6}$/);
    const source = fc.record({
      org: fc.constantFrom(...ORGS),
      given: fc.oneof(
        fc.record({ kind: fc.constant("id" as const), text }),
        fc.record({ kind: fc.constant("event" as const), key: text }),
        fc.record({ kind: fc.constant("batch" as const), key: text, index: fc.integer({ min: 0, max: 12 }) }),
      ),
    });
    type Source = typeof source extends fc.Arbitrary<infer Value> ? Value : never;
    const keyOf = ({ org, given }: Source) =>
      given.kind === "id" ? key(org, given.text, NO_IDEMPOTENCY) : key(org, undefined, given);
    fc.assert(
      fc.property(source, source, (one, other) => {
        expect(keyOf(one) === keyOf(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it("takes equal id and Idempotency-Key for the id, and refuses different ones", () => {
    expect(key(ORGS[0], "x", { kind: "event", key: "x" })).toBe(key(ORGS[0], "x", NO_IDEMPOTENCY));
    expect(dedupeKeyOf(ORGS[0], "x", { kind: "event", key: "y" })).toMatchObject({
      kind: "refused",
      refusal: { code: "conflicting_ids", errors: [{ path: "/id" }] },
    });
  });

  it("lets an event's own id come before its place in a batch", () => {
    expect(key(ORGS[0], "x", { kind: "batch", key: "y", index: 0 })).toBe(key(ORGS[0], "x", NO_IDEMPOTENCY));
  });

  it("stays within what a message id may be", () => {
    const longest = key(ORGS[0], undefined, { kind: "batch", key: "k".repeat(128), index: 999 });
    expect(longest?.length).toBeLessThanOrEqual(180);
  });
});

describe("parseIdempotencyKey", () => {
  it.each([undefined, "a", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "x".repeat(128)])("takes %o", (header) => {
    expect(parseIdempotencyKey(header)).toEqual({ kind: "sound", value: header });
  });

  it.each(["", "a b", "é", "x".repeat(129)])("refuses %o", (header) => {
    expect(parseIdempotencyKey(header)).toMatchObject({
      kind: "refused",
      refusal: { code: "invalid_idempotency_key", errors: [{ path: "Idempotency-Key" }] },
    });
  });
});

function org(text: string): OrgId {
  const id = parseOrgId(text);
  if (id === undefined) throw new Error(`${text} is no id`);
  return id;
}

function key(orgId: OrgId, callerId: string | undefined, idempotency: Idempotency): string | undefined {
  const result = dedupeKeyOf(orgId, callerId, idempotency);
  if (result.kind === "refused") throw new Error(result.refusal.detail);
  return result.value;
}
