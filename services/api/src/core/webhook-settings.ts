/** What a request says about a webhook's settings, applied: absent is unchanged, null is the default. */

import type { ProfileName } from "@posthorn/domain";

export type WebhookSettings = {
  readonly description: string | undefined;
  /** A condition in CEL. */
  readonly filter: string | undefined;
  readonly profile: ProfileName;
  /** Undefined: the profile's. */
  readonly timeoutMs: number | undefined;
  /** Undefined: the profile's. */
  readonly retryDelaysS: readonly number[] | undefined;
  /** Requests per second; undefined: no limit. */
  readonly rateLimit: number | undefined;
  readonly ordered: boolean;
  readonly isActive: boolean;
};

/** The settings that a request may name. */
export type SettingsInput = {
  readonly description?: string | null | undefined;
  readonly filter?: string | null | undefined;
  readonly profile?: ProfileName | null | undefined;
  readonly timeout_ms?: number | null | undefined;
  readonly retry_schedule_s?: readonly number[] | null | undefined;
  readonly rate_limit?: number | null | undefined;
  readonly ordered?: boolean | null | undefined;
  readonly is_active?: boolean | null | undefined;
};

export const DEFAULT_SETTINGS: WebhookSettings = {
  description: undefined,
  filter: undefined,
  profile: "standard",
  timeoutMs: undefined,
  retryDelaysS: undefined,
  rateLimit: undefined,
  ordered: false,
  isActive: true,
};

export function applySettings(input: SettingsInput, before: WebhookSettings): WebhookSettings {
  return {
    description: applied(input.description, before.description, DEFAULT_SETTINGS.description),
    filter: applied(input.filter, before.filter, DEFAULT_SETTINGS.filter),
    profile: applied(input.profile, before.profile, DEFAULT_SETTINGS.profile),
    timeoutMs: applied(input.timeout_ms, before.timeoutMs, DEFAULT_SETTINGS.timeoutMs),
    retryDelaysS: applied(input.retry_schedule_s, before.retryDelaysS, DEFAULT_SETTINGS.retryDelaysS),
    rateLimit: applied(input.rate_limit, before.rateLimit, DEFAULT_SETTINGS.rateLimit),
    ordered: applied(input.ordered, before.ordered, DEFAULT_SETTINGS.ordered),
    isActive: applied(input.is_active, before.isActive, DEFAULT_SETTINGS.isActive),
  };
}

/** One setting: what was given, else what it was. */
export function applied<Value>(given: Value | null | undefined, before: Value, byDefault: Value): Value {
  if (given === undefined) return before;
  return given === null ? byDefault : given;
}
