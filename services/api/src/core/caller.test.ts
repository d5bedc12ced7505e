import { parseApiKeyId, parseOrgId, SCOPES, type Scope } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { type Access, type Caller, isPermitted, scopesFor } from "./caller.ts";

const ALL: readonly Access[] = ["read", "configure", "manage-keys", "read-audit", "manage-organisations"];
const PERMITTED = {
  admin: ["read", "configure", "manage-keys", "read-audit"],
  ci: ["read", "configure"],
  runtime: ["read"],
} as const;

function keyOf(scope: Scope): Caller {
  const id = parseApiKeyId("0190163d-8694-739b-aea5-966c26f8ad90");
  const orgId = parseOrgId("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  if (id === undefined || orgId === undefined) throw new Error("malformed ids");
  return { kind: "key", id, orgId, scope };
}

describe("a caller", () => {
  it.each(SCOPES)("with a key of scope %s may do what the scope says", (scope) => {
    expect(ALL.filter((access) => isPermitted(keyOf(scope), access))).toEqual(PERMITTED[scope]);
  });

  it("with the root key may do everything", () => {
    expect(ALL.filter((access) => isPermitted({ kind: "root" }, access))).toEqual(ALL);
  });

  it("is told the scopes that would be enough", () => {
    expect(ALL.map(scopesFor)).toEqual([["admin", "ci", "runtime"], ["admin", "ci"], ["admin"], ["admin"], []]);
  });
});
