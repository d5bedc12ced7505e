import { type ConfigValue, parseApiKeyId, parseOrgId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { createKeyIndex } from "./key-index.ts";

const ORG = parseOrgId("0199aaaa-0000-7000-8000-000000000001");
const KEY = parseApiKeyId("0199aaaa-0000-7000-8000-000000000002");
if (ORG === undefined || KEY === undefined) throw new Error("not an id");

const keyAt = (version: number, hash: string): ConfigValue => ({
  kind: "present",
  version,
  entry: { kind: "api-key", id: KEY, orgId: ORG, hash, scope: "ci" },
});
const organisation: ConfigValue = {
  kind: "present",
  version: 1,
  entry: { kind: "organisation", id: ORG, strictEventTypes: false },
};
const tombstone = (version: number): ConfigValue => ({ kind: "deleted", version });

describe("createKeyIndex", () => {
  it("knows organisations and keys from their values to their tombstones", () => {
    const index = createKeyIndex();
    index.apply(`organisation.${ORG}.${ORG}`, organisation);
    index.apply(`api-key.${ORG}.${KEY}`, keyAt(1, "h1"));
    expect(index.hasOrganisation(ORG)).toBe(true);
    expect(index.keyByHash("h1")).toMatchObject({ id: KEY, orgId: ORG });
    index.apply(`api-key.${ORG}.${KEY}`, tombstone(2));
    index.apply(`organisation.${ORG}.${ORG}`, tombstone(2));
    expect(index.keyByHash("h1")).toBeUndefined();
    expect(index.hasOrganisation(ORG)).toBe(false);
  });

  it("never goes back to an older version", () => {
    const index = createKeyIndex();
    index.apply(`api-key.${ORG}.${KEY}`, tombstone(3));
    index.apply(`api-key.${ORG}.${KEY}`, keyAt(2, "h1"));
    expect(index.keyByHash("h1")).toBeUndefined();
  });

  it("forgets the old hash of a key that got a new one", () => {
    const index = createKeyIndex();
    index.apply(`api-key.${ORG}.${KEY}`, keyAt(1, "h1"));
    index.apply(`api-key.${ORG}.${KEY}`, keyAt(2, "h2"));
    expect([index.keyByHash("h1"), index.keyByHash("h2")?.id]).toEqual([undefined, KEY]);
  });

  it("passes over what is neither, and forgets everything when told", () => {
    const index = createKeyIndex();
    index.apply(`webhook.${ORG}.${KEY}`, keyAt(1, "h1"));
    expect(index.keyByHash("h1")).toBeUndefined();
    index.apply(`api-key.${ORG}.${KEY}`, keyAt(1, "h1"));
    index.clear();
    expect(index.keyByHash("h1")).toBeUndefined();
  });
});
