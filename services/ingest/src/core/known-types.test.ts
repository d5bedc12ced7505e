import { type ConfigValue, parseEventTypeId, parseOrgId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { createTypeIndex } from "./known-types.ts";

const ORG = parseOrgId("0199aaaa-0000-7000-8000-000000000001");
const ID = parseEventTypeId("0199aaaa-0000-7000-8000-000000000002");
const OTHER_ID = parseEventTypeId("0199aaaa-0000-7000-8000-000000000003");
if (ORG === undefined || ID === undefined || OTHER_ID === undefined) throw new Error("not an id");

const organisation = (version: number, strictEventTypes: boolean): ConfigValue => ({
  kind: "present",
  version,
  entry: { kind: "organisation", id: ORG, strictEventTypes },
});
const type = (version: number, name: string, schema?: string, id = ID): ConfigValue => ({
  kind: "present",
  version,
  entry: { kind: "event-type", id, orgId: ORG, name, schema },
});
const tombstone = (version: number): ConfigValue => ({ kind: "deleted", version });
const KEY = `event-type.${ORG}.${ID}`;
const ORG_KEY = `organisation.${ORG}.${ORG}`;

describe("what an organisation demands of a type", () => {
  it("is nothing, unless it says so", () => {
    const index = createTypeIndex();
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "free" });
    index.apply(KEY, type(1, "order.paid"));
    index.apply(ORG_KEY, organisation(1, false));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "free" });
    expect(index.ruleOf(ORG, "order.unheard-of")).toEqual({ kind: "free" });
  });

  it("is to be known, in a strict organisation", () => {
    const index = createTypeIndex();
    index.apply(ORG_KEY, organisation(1, true));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "unknown" });
    index.apply(KEY, type(1, "order.paid"));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "free" });
    index.apply(KEY, tombstone(2));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "unknown" });
    index.apply(ORG_KEY, organisation(2, false));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "free" });
  });

  it("is to fit the newest schema, whether the organisation is strict or not", () => {
    const index = createTypeIndex();
    index.apply(KEY, type(2, "order.paid", "{}"));
    index.apply(KEY, type(1, "order.paid", "false"));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "schema", schema: "{}" });
    index.apply(KEY, type(3, "order.renamed", "{}"));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "free" });
    expect(index.ruleOf(ORG, "order.renamed")).toEqual({ kind: "schema", schema: "{}" });
  });

  it("outlives the end of an older entry of the same name", () => {
    const index = createTypeIndex();
    index.apply(KEY, type(1, "order.paid", "false"));
    index.apply(`event-type.${ORG}.${OTHER_ID}`, type(1, "order.paid", "{}", OTHER_ID));
    index.apply(KEY, tombstone(2));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "schema", schema: "{}" });
  });

  it("is forgotten when told, and not taken from under other keys", () => {
    const index = createTypeIndex();
    index.apply(`webhook.${ORG}.${ID}`, type(1, "order.paid", "{}"));
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "free" });
    index.apply(ORG_KEY, organisation(1, true));
    index.clear();
    expect(index.ruleOf(ORG, "order.paid")).toEqual({ kind: "free" });
  });
});
