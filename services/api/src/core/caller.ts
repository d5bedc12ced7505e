/** Who makes a request, and what that permits. Whose organisation it is says the path; here it is compared. */

import { type ApiKeyId, type OrgId, SCOPES, type Scope } from "@posthorn/domain";

export type Caller =
  /** The key of the operator: everything, in every organisation. */
  | { readonly kind: "root" }
  | { readonly kind: "key"; readonly id: ApiKeyId; readonly orgId: OrgId; readonly scope: Scope };

/** What a route lets its callers do. */
export type Access = "read" | "configure" | "manage-keys" | "read-audit" | "manage-organisations";

const PERMITTED: Readonly<Record<Scope, readonly Access[]>> = {
  admin: ["read", "configure", "manage-keys", "read-audit"],
  ci: ["read", "configure"],
  runtime: ["read"],
};

export function isPermitted(caller: Caller, access: Access): boolean {
  return caller.kind === "root" || PERMITTED[caller.scope].includes(access);
}

/** The scopes that would have been enough; none when only the root key is. */
export function scopesFor(access: Access): readonly Scope[] {
  return SCOPES.filter((scope) => PERMITTED[scope].includes(access));
}
