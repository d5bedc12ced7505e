/** What matching has to know of a webhook; its URL and its secrets are the dispatcher's business. */

import type { MatchRules, ProfileName, WebhookId } from "@posthorn/domain";

/** A paused webhook still matches: its deliveries are recorded as skipped. */
export type Subscription = MatchRules & {
  readonly webhookId: WebhookId;
  readonly profile: ProfileName;
  readonly eventTypePrefix: string;
};
