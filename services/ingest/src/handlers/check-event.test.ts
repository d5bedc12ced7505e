import { type OrgId, parseOrgId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import type { TypeRule } from "../core/known-types.ts";
import { sound } from "../core/refusals.ts";
import { createCheckEvent } from "./check-event.ts";

const org = parseOrgId("0199aaaa-0000-7000-8000-000000000001");
if (org === undefined) throw new Error("not an id");
const ORG: OrgId = org;
const EVENT = { type: "order.paid", data: Buffer.from("1"), timestamp: undefined, callerId: undefined };
const UNKNOWN: TypeRule = { kind: "unknown" };
const SCHEMA: TypeRule = { kind: "schema", schema: "s" };

describe("createCheckEvent", () => {
  it("says at once what fits, without asking for the newest configuration", () => {
    const { check, asked } = checkThat({ rule: { kind: "free" } });
    expect(check(ORG, EVENT)).toEqual(sound(EVENT));
    const fitting = checkThat({ rule: SCHEMA, problems: [] });
    expect(fitting.check(ORG, EVENT)).toEqual(sound(EVENT));
    expect([asked(), fitting.asked()]).toEqual([0, 0]);
  });

  it("asks once for the newest configuration before it refuses", async () => {
    const { check, asked } = checkThat({ rule: UNKNOWN, learns: { kind: "free" } });
    expect(await check(ORG, EVENT)).toEqual(sound(EVENT));
    expect(asked()).toBe(1);
  });

  it("refuses a type that is not in the catalogue", async () => {
    const { check, asked } = checkThat({ rule: UNKNOWN });
    expect(await check(ORG, EVENT)).toMatchObject({
      refusal: { code: "unknown_event_type", errors: [{ path: "/type" }] },
    });
    expect(asked()).toBe(1);
  });

  it("refuses data that does not fit, with paths below /data", async () => {
    const problems = [
      { path: "/items/0", message: "must be object" },
      { path: "", message: "must be object" },
    ];
    expect(await checkThat({ rule: SCHEMA, problems }).check(ORG, EVENT)).toEqual({
      kind: "refused",
      refusal: {
        code: "data_misfit",
        detail: "The event's data/items/0 must be object.",
        errors: [
          { path: "/data/items/0", message: "must be object" },
          { path: "/data", message: "must be object" },
        ],
      },
    });
  });

  it("neither accepts nor refuses when the newest configuration cannot be had", async () => {
    const { check } = checkThat({ rule: UNKNOWN, isReachable: false });
    expect(await check(ORG, EVENT)).toMatchObject({ refusal: { code: "configuration_incomplete" } });
  });
});

/** A catalogue with one rule for everything, which may change once the copy is brought up to date. */
function checkThat(state: {
  rule: TypeRule;
  learns?: TypeRule;
  problems?: readonly { path: string; message: string }[];
  isReachable?: boolean;
}) {
  let { rule } = state;
  let asked = 0;
  const check = createCheckEvent({
    directory: {
      types: { ruleOf: () => rule },
      catchUp: async () => {
        asked += 1;
        rule = state.learns ?? rule;
        return state.isReachable ?? true;
      },
    },
    schemas: { problemsOf: () => state.problems ?? [] },
  });
  return { check, asked: () => asked };
}
