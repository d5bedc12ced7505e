/** Webhooks in the words of Znyx. */

import { maskUrl } from "@posthorn/domain";
import type { UrlView, Webhook } from "../../core/present-webhook.ts";
import { pythonTime } from "../mount.ts";

export function presentZnyxWebhook(webhook: Webhook, urlView: UrlView) {
  return {
    id: webhook.id,
    org_id: webhook.orgId,
    url: urlView === "whole" ? webhook.url : maskUrl(webhook.url),
    events: [...webhook.patterns],
    is_active: webhook.isActive,
    created_at: pythonTime(webhook.createdAtMs),
    has_secret: webhook.hasSecret,
  };
}
