/** What a request makes of a webhook: every rule that looks at more than one field, or at what the webhook was. */

import { profileHeaderProblem } from "./custom-headers.ts";
import type { Webhook } from "./present-webhook.ts";
import { applyProfileOptions, type ProfileOptionsInput } from "./profile-options.ts";
import type { Signing } from "./signing.ts";
import { type InvalidField, invalidField } from "./webhook-refusal.ts";
import { applySettings, DEFAULT_SETTINGS, type SettingsInput, type WebhookSettings } from "./webhook-settings.ts";

/** What a request may say of a webhook: absent is unchanged, null is the default. */
export type WebhookInput = SettingsInput & {
  readonly url?: string | undefined;
  readonly events?: readonly string[] | undefined;
  readonly profile_options?: ProfileOptionsInput | null | undefined;
  readonly headers?: Readonly<Record<string, string>> | null | undefined;
  readonly signing?: Signing | null | undefined;
};

/** What is stored of a webhook, as far as a change may set it. */
export type WebhookContent = WebhookSettings & {
  readonly url: string;
  readonly patterns: readonly string[];
  readonly eventTypePrefix: string;
  readonly sealedToken: Buffer | undefined;
  readonly headerNames: readonly string[];
  readonly sealedHeaders: Buffer | undefined;
  readonly disabledReason: string | undefined;
};

/** What a request brings that must not be stored in clear, sealed; undefined: it brings none. */
export type SealedInput = { readonly token: Buffer | undefined; readonly headers: Buffer | undefined };

export type ContentBefore = WebhookContent & { readonly signing: Signing };

export type ChangedWebhook = { readonly kind: "changed"; readonly content: WebhookContent } | InvalidField;

/** What a creation starts from. */
export function blankWebhook(signing: Signing): ContentBefore {
  return {
    ...DEFAULT_SETTINGS,
    url: "",
    patterns: [],
    eventTypePrefix: "",
    sealedToken: undefined,
    headerNames: [],
    sealedHeaders: undefined,
    disabledReason: undefined,
    signing,
  };
}

export function changeWebhook(input: WebhookInput, sealed: SealedInput, before: ContentBefore): ChangedWebhook {
  const settings = applySettings(input, before);
  const { profile } = settings;
  if (input.signing !== undefined && (input.signing ?? "hmac") !== before.signing) {
    // Receivers that hold one kind of key cannot follow to the other.
    return invalidField("/signing", `is ${before.signing} and cannot be changed; make another webhook`);
  }
  const optionsBefore = { ...before, hasToken: before.sealedToken !== undefined };
  const applied = applyProfileOptions(input.profile_options, optionsBefore, profile);
  if (applied.kind === "invalid") return applied;
  const { eventTypePrefix, token } = applied.options;
  const headers = headersAfter(input, sealed, before);
  const wrongHeader = profileHeaderProblem(headers.headerNames, profile);
  if (wrongHeader !== undefined) return wrongHeader;
  return {
    kind: "changed",
    content: {
      ...settings,
      ...headers,
      url: input.url ?? before.url,
      patterns: input.events ?? before.patterns,
      eventTypePrefix,
      sealedToken: { none: undefined, kept: before.sealedToken, new: sealed.token }[token],
      disabledReason: settings.isActive ? undefined : before.disabledReason,
    },
  };
}

function headersAfter({ headers }: WebhookInput, sealed: SealedInput, before: ContentBefore) {
  if (headers === undefined) return { headerNames: before.headerNames, sealedHeaders: before.sealedHeaders };
  return { headerNames: Object.keys(headers ?? {}), sealedHeaders: sealed.headers };
}

/** The part of a webhook's content that is shown. */
export function shownContent(content: WebhookContent): Pick<Webhook, ShownContent> {
  const { sealedToken, sealedHeaders: _, ...shown } = content;
  return { ...shown, hasToken: sealedToken !== undefined };
}

type ShownContent = Exclude<keyof WebhookContent, "sealedToken" | "sealedHeaders"> | "hasToken";
