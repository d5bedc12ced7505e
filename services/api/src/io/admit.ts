/** Finds out who calls and whether they may, before anything of the request's body is looked at. */

import { timingSafeEqual } from "node:crypto";
import type { OrgId } from "@posthorn/domain";
import type { HttpRequest, Problem } from "@posthorn/service-runtime";
import { presentedKey } from "../core/api-key.ts";
import { type Caller, isPermitted } from "../core/caller.ts";
import { type PathParameters, parsePath } from "../core/path-parameters.ts";
import { notFound, notPermitted, unauthenticated } from "../core/problems.ts";
import type { Route } from "../schemas/route.ts";
import type { ApiKeys } from "./api-keys.ts";
import { hashOfKey } from "./key-hash.ts";
import type { KeyUsage } from "./key-usage.ts";
import type { Organisations } from "./organisations.ts";

export type Admission =
  /** `parameters` has those of the route's path. */
  | { readonly kind: "admitted"; readonly caller: Caller; readonly parameters: Partial<PathParameters> }
  | { readonly kind: "refused"; readonly problem: Problem };

export type Admit = (route: Route, request: HttpRequest) => Promise<Admission>;

export type AdmitPorts = {
  readonly rootKey: string;
  readonly apiKeys: Pick<ApiKeys, "ownerOf">;
  readonly organisations: Pick<Organisations, "exists">;
  readonly usage: Pick<KeyUsage, "note">;
};

export function createAdmit({ rootKey, apiKeys, organisations, usage }: AdmitPorts): Admit {
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

  return async (route, request) => {
    const key = presentedKey(request.headers);
    if (key === undefined) return refused(unauthenticated("missing"));
    const caller = await callerOf(key);
    if (caller === undefined) return refused(unauthenticated("unknown"));
    // The router fills every parameter of the path that it matched.
    const path = parsePath(request.params as Readonly<Record<string, string>>);
    if (path.kind === "unknown") return refused(notFound(path.thing));
    const { parameters } = path;
    if (parameters.org !== undefined && !(await exists(caller, parameters.org))) {
      return refused(notFound("organisation"));
    }
    if (!isPermitted(caller, route.access)) return refused(notPermitted(route.access));
    return { kind: "admitted", caller, parameters };
  };
}

function refused(problem: Problem): Admission {
  return { kind: "refused", problem };
}
