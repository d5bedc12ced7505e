/** What matching has to know of a webhook; its URL and its secrets are the dispatcher's business. */

import type { ProfileName, WebhookId } from "@posthorn/domain";

export type Subscription = {
  readonly webhookId: WebhookId;
  readonly profile: ProfileName;
  /** A paused webhook still matches: its deliveries are recorded as skipped. */
  readonly isActive: boolean;
};
