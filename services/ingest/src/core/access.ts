/**
 * Who may publish into which organisation. Every scope of a key may publish; a foreign organisation looks like an
 * unknown one, so that nobody learns which exist.
 */

import { type ApiKeyConfig, type OrgId, parseOrgId } from "@posthorn/domain";
import { type Refusal, type Refused, refused } from "./refusals.ts";

/** Who calls, by the SHA-256 of the key shown; a key itself is kept nowhere. */
export type Caller = { readonly kind: "root" } | { readonly kind: "key"; readonly hash: string };

/** The organisations and keys as far as the configuration has come here. */
export type KnownKeys = {
  keyByHash(hash: string): ApiKeyConfig | undefined;
  hasOrganisation(org: OrgId): boolean;
};

export type Access =
  | { readonly kind: "granted"; readonly org: OrgId }
  /** `isFinal`: no configuration that is still on its way could change it. */
  | { readonly kind: "denied"; readonly refusal: Refusal; readonly isFinal: boolean };

export const NO_KEY_DETAIL = "Send an API key as Authorization: Bearer <key> or as X-API-Key: <key>.";

const BEARER = /^bearer +(\S+)$/i;
/** Far above any key's length: what is longer is no key and not worth hashing. */
const KEY_LENGTH_MAX = 512;

/** The key in `Authorization: Bearer` or `X-API-Key`; the first counts when both are given. */
export function shownKey(authorization: string | undefined, apiKey: string | undefined): string | undefined {
  const key = BEARER.exec(authorization ?? "")?.[1] ?? apiKey;
  return key === undefined || key === "" || key.length > KEY_LENGTH_MAX ? undefined : key;
}

/** @param orgText as the caller wrote it. */
export function decideAccess(caller: Caller | undefined, orgText: string, known: KnownKeys): Access {
  if (caller === undefined) {
    return denied(refused("unauthenticated", NO_KEY_DETAIL), true);
  }
  const key = caller.kind === "root" ? undefined : known.keyByHash(caller.hash);
  if (caller.kind === "key" && key === undefined) {
    return denied(refused("unauthenticated", "The API key is unknown or revoked."), false);
  }
  const org = parseOrgId(orgText);
  const isForeign = org === undefined || (key !== undefined && key.orgId !== org);
  if (!isForeign && known.hasOrganisation(org)) return { kind: "granted", org };
  return denied(refused("unknown_organisation", "There is no such organisation for this API key."), isForeign);
}

function denied({ refusal }: Refused, isFinal: boolean): Access {
  return { kind: "denied", refusal, isFinal };
}
