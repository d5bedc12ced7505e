/** Finds out who calls and whether they may, before anything of the request's body is looked at. */

import { timingSafeEqual } from "node:crypto";
import type { OrgId } from "@posthorn/domain";
import type { HttpRequest, Problem } from "@posthorn/service-runtime";
import { presentedKey } from "../core/api-key.ts";
import { type Caller, isPermitted } from "../core/caller.ts";
import { type PathParameters, parsePath } from "../core/path-parameters.ts";
import { notFound, notPermitted, rateLimited, unauthenticated } from "../core/problems.ts";
import type { Quota } from "../core/quota.ts";
import type { Route } from "../schemas/route.ts";
import type { ApiKeys } from "./api-keys.ts";
import { hashOfKey } from "./key-hash.ts";
import type { KeyUsage } from "./key-usage.ts";
import type { Organisations } from "./organisations.ts";
import type { RateLimiter } from "./rate-limiter.ts";

type Permission =
  /** `parameters` has those of the route's path. */
  | { readonly kind: "admitted"; readonly caller: Caller; readonly parameters: Partial<PathParameters> }
  | { readonly kind: "refused"; readonly problem: Problem };

export type Admission = Permission & {
  /** What the key may still do; undefined when it is not known or not limited. */
  readonly quota: Quota | undefined;
};

export type Admit = (route: Route, request: HttpRequest) => Promise<Admission>;

export type AdmitPorts = {
  readonly rootKey: string;
  readonly apiKeys: Pick<ApiKeys, "ownerOf">;
  readonly organisations: Pick<Organisations, "exists">;
  readonly usage: Pick<KeyUsage, "note">;
  readonly limiter: RateLimiter;
};

export function createAdmit({ rootKey, apiKeys, organisations, usage, limiter }: AdmitPorts): Admit {
  const rootHash = hashOfKey(rootKey);

  async function callerOf(key: string): Promise<Caller | undefined> {
    const hash = hashOfKey(key);
    if (timingSafeEqual(hash, rootHash)) return { kind: "root" };
    const owner = await apiKeys.ownerOf(hash);
    if (owner === undefined) return undefined;
    usage.note(owner.id);
    return { kind: "key", ...owner };
  }

  /** A key's own organisation exists as long as the key does. */
  async function exists(caller: Caller, org: OrgId): Promise<boolean> {
    return caller.kind === "root" ? organisations.exists(org) : caller.orgId === org;
  }

  async function permission(route: Route, request: HttpRequest, caller: Caller): Promise<Permission> {
    // The router fills every parameter of the path that it matched.
    const path = parsePath(request.params as Readonly<Record<string, string>>);
    if (path.kind === "unknown") return refused(notFound(path.thing));
    const { parameters } = path;
    if (parameters.org !== undefined && !(await exists(caller, parameters.org))) {
      return refused(notFound("organisation"));
    }
    if (!isPermitted(caller, route.access)) return refused(notPermitted(route.access));
    return { kind: "admitted", caller, parameters };
  }

  return async (route, request) => {
    const key = presentedKey(request.headers);
    if (key === undefined) return { ...refused(unauthenticated("missing")), quota: undefined };
    const caller = await callerOf(key);
    if (caller === undefined) return { ...refused(unauthenticated("unknown")), quota: undefined };
    const quota = await limiter.count(caller);
    if (quota?.isExceeded) return { ...refused(rateLimited(quota)), quota };
    return { ...(await permission(route, request, caller)), quota };
  };
}

function refused(problem: Problem): Extract<Permission, { kind: "refused" }> {
  return { kind: "refused", problem };
}
