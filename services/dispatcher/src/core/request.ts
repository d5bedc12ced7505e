/** The request that a receiver gets: headers around a rendered body and its signatures. */

import { type Header, type Profile, profileOf, type WebhookConfig, type WorkItem } from "@posthorn/domain";

/** All headers that are ours to choose; the egress client adds those of the connection and the user agent. */
export function requestHeaders(item: WorkItem, signatures: readonly Header[], traceparent: string): readonly Header[] {
  const profile = profileOf(item.profile);
  return [
    ["Content-Type", "application/json"],
    ...eventHeaders(profile, item),
    ...signatures,
    ["traceparent", traceparent],
  ];
}

/** The webhook's own timeout, else that of the profile that the delivery was made with. */
export function timeoutMsOf(item: WorkItem, webhook: WebhookConfig): number {
  return webhook.timeoutMs ?? profileOf(item.profile).timeoutMs;
}

function eventHeaders(profile: Profile, item: WorkItem): Header[] {
  const headers: Header[] = [];
  if (profile.eventTypeHeader !== undefined) headers.push([profile.eventTypeHeader, item.eventType]);
  if (profile.deliveryIdHeader !== undefined) headers.push([profile.deliveryIdHeader, item.deliveryId]);
  return headers;
}
