/**
 * Signs and sends one request. Between signing and sending the world may have moved on: a lease that has run out, a
 * signature that has grown old or a webhook that was changed meanwhile stop the request before it leaves.
 */

import { asBuffer } from "@posthorn/contracts";
import type { Header, WebhookConfig, WorkItem } from "@posthorn/domain";
import type { EgressClient, ParsedTargetUrl, PostResult } from "@posthorn/egress";
import type { TakenMessage } from "@posthorn/message-bus";
import type { Tracing } from "@posthorn/service-runtime";
import type { Exchange, Failure } from "../core/record-exchange.ts";
import { requestHeaders, timeoutMsOf } from "../core/request.ts";
import type { Signer } from "../io/signer-stream.ts";

export type OutgoingRequest = {
  readonly item: WorkItem;
  readonly webhook: WebhookConfig;
  readonly body: Uint8Array;
  readonly message: TakenMessage;
  readonly possibleRepeat: boolean;
};

export type Sent =
  | { readonly kind: "exchanged"; readonly exchange: Exchange }
  /** Nothing has left: the item was not ours any more, or the process stops. */
  | { readonly kind: "not_sent"; readonly reason: "lease_lost" | "stopping" }
  /** The process stops, and ended the request under way: the receiver may have got it. */
  | { readonly kind: "aborted" }
  | { readonly kind: "unsignable"; readonly refusal: string }
  /** Signing took so long that the decision to send is out of date. */
  | { readonly kind: "reconsider" };

export type SendRequest = (request: OutgoingRequest) => Promise<Sent>;

export type SendPorts = {
  readonly signer: Signer;
  readonly egress: Pick<EgressClient, "post">;
  /** The URL rules, applied again at every attempt: the policy may have changed since the webhook was made. */
  readonly parseTarget: (url: string) => ParsedTargetUrl;
  /** What `egress` sends as its `User-Agent`. */
  readonly userAgent: string;
  readonly tracing: Tracing;
  /** Names this process in the attempts it makes. */
  readonly dispatcher: string;
  readonly nowMs: () => number;
};

/** The lease outlives the attempt's deadline by this much, so that its outcome can be logged under it. */
const LEASE_MARGIN_MS = 10_000;
/** Receivers refuse old timestamps; a signature that waited longer than this is made anew. */
const SIGNATURE_AGE_MS_MAX = 5_000;

export function createSendRequest(ports: SendPorts): SendRequest {
  return async (request) => {
    const { item, webhook, message } = request;
    const span = ports.tracing.startSpan("attempt", {
      kind: "client",
      parent: item.traceparent,
      attributes: { "http.request.method": "POST", "posthorn.attempt": item.attempt, "posthorn.profile": item.profile },
    });
    try {
      const askedAtMs = performance.now();
      const signed = await ports.signer.sign(signItemOf(request, ports.nowMs(), span.traceparent));
      if (signed.kind === "closed") return { kind: "not_sent", reason: "stopping" };
      if (signed.kind === "refused") return { kind: "unsignable", refusal: signed.refusal };
      if (performance.now() - askedAtMs > SIGNATURE_AGE_MS_MAX) return { kind: "reconsider" };
      const timeoutMs = timeoutMsOf(item, webhook);
      if (!holdLease(message, timeoutMs)) return { kind: "not_sent", reason: "lease_lost" };
      const headers = requestHeaders(item, signed.headers, span.traceparent);
      const exchange = await post(ports, request, headers, timeoutMs);
      if (exchange === undefined) return { kind: "aborted" };
      if (exchange.result.kind === "response") {
        span.setAttributes({ "http.response.status_code": exchange.result.status });
      } else if (exchange.result.kind === "failed") span.fail(exchange.result.errorClass);
      return { kind: "exchanged", exchange };
    } finally {
      span.end();
    }
  };
}

/** False when the lease has ended. Otherwise it is made long enough for the attempt. */
function holdLease(message: TakenMessage, timeoutMs: number): boolean {
  const leftMs = message.leaseEndsAtMs() - performance.now();
  if (leftMs <= 0) return false;
  if (leftMs < timeoutMs + LEASE_MARGIN_MS) message.working();
  return true;
}

function signItemOf({ item, webhook, body }: OutgoingRequest, nowMs: number, traceparent: string) {
  return {
    orgId: item.orgId,
    webhookId: item.webhookId,
    profile: item.profile,
    messageId: item.deliveryId,
    timestampS: Math.floor(nowMs / 1_000),
    body: asBuffer(body),
    sealedSecrets: webhook.sealedSecrets.map(asBuffer),
    traceparent,
  };
}

/** Undefined: the client was closed under the request. */
async function post(
  ports: SendPorts,
  { item, webhook, body, possibleRepeat }: OutgoingRequest,
  headers: readonly Header[],
  deadlineMs: number,
): Promise<Exchange | undefined> {
  const startedAtMs = ports.nowMs();
  const startedMs = performance.now();
  const result = await postTo(ports, webhook.url, headers, body, deadlineMs);
  if (result.kind === "aborted") return undefined;
  return {
    attempt: item.attempt,
    url: webhook.url,
    requestHeaders: [...headers, ["User-Agent", ports.userAgent]],
    startedAtMs,
    durationMs: Math.round(performance.now() - startedMs),
    dispatcher: ports.dispatcher,
    possibleRepeat,
    result,
  };
}

async function postTo(
  { egress, parseTarget }: SendPorts,
  url: string,
  headers: readonly Header[],
  body: Uint8Array,
  deadlineMs: number,
): Promise<PostResult | Failure> {
  const target = parseTarget(url);
  return target.kind === "ok"
    ? egress.post({ url: target.url, headers, body, deadlineMs })
    : { kind: "failed", errorClass: "blocked", message: target.message };
}
