/**
 * The options of profiles: only `github-dispatch` has any, a bearer token that it cannot do without and a prefix of the
 * event type. Options belong to the profile: they go with it.
 */

import type { ProfileName } from "@posthorn/domain";
import { type InvalidField, invalidField } from "./webhook-refusal.ts";
import { applied } from "./webhook-settings.ts";

export type ProfileOptionsInput = {
  readonly token?: string | null | undefined;
  readonly event_type_prefix?: string | null | undefined;
};

export type ProfileOptions = {
  readonly eventTypePrefix: string;
  /** `new`: the one that the request brings. */
  readonly token: "none" | "kept" | "new";
};

export type OptionsBefore = {
  readonly profile: ProfileName;
  readonly eventTypePrefix: string;
  readonly hasToken: boolean;
};

const NO_OPTIONS: ProfileOptions = { eventTypePrefix: "", token: "none" };

export function hasOptions(profile: ProfileName): boolean {
  return profile === "github-dispatch";
}

/** @param profile the one that the webhook has once the change is made. */
export function applyProfileOptions(
  input: ProfileOptionsInput | null | undefined,
  before: OptionsBefore,
  profile: ProfileName,
): { readonly kind: "options"; readonly options: ProfileOptions } | InvalidField {
  if (!hasOptions(profile)) {
    if (input === undefined || input === null) return { kind: "options", options: NO_OPTIONS };
    return invalidField("/profile_options", `must be null, because the profile ${profile} has no options`);
  }
  const isKept = hasOptions(before.profile) && input !== null;
  const token = tokenAfter(input?.token, isKept && before.hasToken);
  if (token === "none") return invalidField("/profile_options/token", `is required by the profile ${profile}`);
  const eventTypePrefix = applied(input?.event_type_prefix, isKept ? before.eventTypePrefix : "", "");
  return { kind: "options", options: { eventTypePrefix, token } };
}

function tokenAfter(given: string | null | undefined, isThere: boolean): ProfileOptions["token"] {
  if (given === undefined) return isThere ? "kept" : "none";
  return given === null ? "none" : "new";
}
