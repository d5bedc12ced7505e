import { type ApiKeyConfig, type OrgId, parseApiKeyId, parseOrgId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { type Caller, decideAccess, shownKey } from "./access.ts";

const MINE = "0199aaaa-0000-7000-8000-000000000001";
const THEIRS = "0199aaaa-0000-7000-8000-000000000002";
const NOBODYS = "0199aaaa-0000-7000-8000-000000000003";

const [mine, theirs] = [parseOrgId(MINE), parseOrgId(THEIRS)];
const keyId = parseApiKeyId(MINE);
if (mine === undefined || theirs === undefined || keyId === undefined) throw new Error("not an id");
const key: ApiKeyConfig = { kind: "api-key", id: keyId, orgId: mine, hash: "h", scope: "runtime" };
const organisations: readonly OrgId[] = [mine, theirs];
const known = {
  keyByHash: (hash: string) => (hash === key.hash ? key : undefined),
  hasOrganisation: (org: OrgId) => organisations.includes(org),
};

const ROOT: Caller = { kind: "root" };
const withKey = (hash: string): Caller => ({ kind: "key", hash });

describe("decideAccess", () => {
  it.each<[string, Caller, string]>([
    ["a key into its own organisation", withKey("h"), MINE],
    ["a key, in whatever case its organisation is written", withKey("h"), MINE.toUpperCase()],
    ["the root key into every organisation", ROOT, THEIRS],
  ])("lets %s", (_who, caller, org) => {
    expect(decideAccess(caller, org, known)).toEqual({ kind: "granted", org: org.toLowerCase() });
  });

  it.each<[string, Caller | undefined, string, string, boolean]>([
    ["nobody", undefined, MINE, "unauthenticated", true],
    ["an unknown key, for now", withKey("other"), MINE, "unauthenticated", false],
    ["a key of another organisation", withKey("h"), THEIRS, "unknown_organisation", true],
    ["a key into an organisation that does not exist", withKey("h"), NOBODYS, "unknown_organisation", true],
    ["the root key into an unknown organisation, for now", ROOT, NOBODYS, "unknown_organisation", false],
    ["the root key into what is no id", ROOT, "acme", "unknown_organisation", true],
  ])("turns away %s", (_who, caller, org, code, isFinal) => {
    expect(decideAccess(caller, org, known)).toMatchObject({ kind: "denied", refusal: { code }, isFinal });
  });

  it("turns a key away, for now, whose organisation has not arrived yet", () => {
    const access = decideAccess(withKey("h"), MINE, { ...known, hasOrganisation: () => false });
    expect(access).toMatchObject({ kind: "denied", refusal: { code: "unknown_organisation" }, isFinal: false });
  });
});

describe("shownKey", () => {
  it.each([
    ["Bearer ph_sk_1", undefined, "ph_sk_1"],
    ["bearer ph_sk_1", undefined, "ph_sk_1"],
    [undefined, "ph_sk_2", "ph_sk_2"],
    ["Bearer ph_sk_1", "ph_sk_2", "ph_sk_1"],
    ["Basic dXNlcjpwYXNz", "ph_sk_2", "ph_sk_2"],
    ["Basic dXNlcjpwYXNz", undefined, undefined],
    ["Bearer", undefined, undefined],
    ["Bearer a b", undefined, undefined],
    [undefined, undefined, undefined],
    [undefined, "", undefined],
    [undefined, "x".repeat(513), undefined],
  ])("Authorization %o and X-API-Key %o show %o", (authorization, apiKey, shown) => {
    expect(shownKey(authorization, apiKey)).toBe(shown);
  });
});
