/**
 * Lets a caller into an organisation or not. What the configuration here does not know may only not have arrived yet,
 * so the copy is brought up to date once before anybody is turned away for that.
 */

import { type Access, type Caller, decideAccess, type KnownKeys } from "../core/access.ts";
import { momentary } from "../core/refusals.ts";
import type { IngestEvents } from "../events.ts";

export type Authorise = (caller: Caller | undefined, orgText: string) => Promise<Access>;

type Directory = {
  readonly known: KnownKeys;
  readonly isComplete: boolean;
  catchUp(deadlineMs: number): Promise<boolean>;
};

/** Callers are promised to be told within 3 s that NATS does not answer; the second between is for a busy machine. */
const CATCH_UP_DEADLINE_MS = 2_000;

export function createAuthorise(directory: Directory, events: Pick<IngestEvents, "refused">): Authorise {
  const decide = async (caller: Caller | undefined, orgText: string): Promise<Access> => {
    const access = decideAccess(caller, orgText, directory.known);
    if (access.kind === "denied" && access.isFinal) return access;
    if (!directory.isComplete) return INCOMPLETE;
    if (access.kind === "granted") return access;
    const isUpToDate = await directory.catchUp(CATCH_UP_DEADLINE_MS);
    return isUpToDate ? decideAccess(caller, orgText, directory.known) : INCOMPLETE;
  };
  return async (caller, orgText) => {
    const access = await decide(caller, orgText);
    if (access.kind === "denied") events.refused(access.refusal.code);
    return access;
  };
}

const INCOMPLETE: Access = { ...momentary("configuration_incomplete"), kind: "denied", isFinal: false };
