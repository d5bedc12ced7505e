/** The request that a receiver gets: headers around a rendered body, its signatures and the webhook's own headers. */

import {
  type AcceptedEvent,
  type Header,
  HOPS_HEADER,
  profileOf,
  type WebhookConfig,
  type WorkItem,
} from "@posthorn/domain";
import { isOwnHeader, isSoundHeader } from "./own-headers.ts";

/** A header as the signer gives it. */
export type SignedHeader = {
  readonly name: string;
  readonly value: string;
  /** A token or a custom header: whoever reads the history must not see its value. */
  readonly isSecret: boolean;
};

export type RequestHeaders = {
  readonly sent: readonly Header[];
  /** The same names in the same order; the values of secrets are masked. */
  readonly shown: readonly Header[];
  /** The values that are masked. */
  readonly secrets: readonly string[];
};

const MASK = "***";
const CONTENT_TYPE: Header = ["Content-Type", "application/json"];

/** All headers that are ours to choose; the egress client adds those of the connection and the user agent. */
export function requestHeaders(
  item: WorkItem,
  event: Pick<AcceptedEvent, "hops">,
  signed: readonly SignedHeader[],
  traceparent: string,
): RequestHeaders {
  const profile = profileOf(item.profile);
  const open: Header[] = [CONTENT_TYPE, ...profile.fixedHeaders];
  if (profile.eventTypeHeader !== undefined) open.push([profile.eventTypeHeader, item.eventType]);
  if (profile.deliveryIdHeader !== undefined) open.push([profile.deliveryIdHeader, item.messageId]);
  for (const { name, value, isSecret } of signed) if (!isSecret) open.push([name, value]);
  open.push([HOPS_HEADER, String(event.hops + 1)], ["traceparent", traceparent]);
  const secret = secretHeaders(signed, open);
  if (secret.length === 0) return { sent: open, shown: open, secrets: [] };
  return {
    sent: [...open, ...secret],
    shown: [...open, ...secret.map(([name]): Header => [name, MASK])],
    secrets: secret.map(([, value]) => value),
  };
}

/** The webhook's own timeout, else that of the profile that the delivery was made with. */
export function timeoutMsOf(item: WorkItem, webhook: WebhookConfig): number {
  return webhook.timeoutMs ?? profileOf(item.profile).timeoutMs;
}

/** Of a name that was given before, in whatever spelling, the first one counts. */
function secretHeaders(signed: readonly SignedHeader[], open: readonly Header[]): Header[] {
  if (!signed.some(({ isSecret }) => isSecret)) return [];
  const secret = signed.filter(({ isSecret }) => isSecret);
  const taken = new Set(open.map(([name]) => name.toLowerCase()));
  const headers: Header[] = [];
  for (const { name, value } of secret) {
    const lower = name.toLowerCase();
    if (taken.has(lower) || isOwnHeader(name) || !isSoundHeader(name, value)) continue;
    taken.add(lower);
    headers.push([name, value]);
  }
  return headers;
}
