/**
 * Renders, signs and sends one request. Between signing and sending the world may have moved on: an item that is not
 * ours any more, or a signature that has grown old, stops the request before it leaves.
 */

import { asBuffer, type SignItem } from "@posthorn/contracts";
import { type AcceptedEvent, renderBody, signingSecrets, type WebhookConfig, type WorkItem } from "@posthorn/domain";
import type { EgressClient, ParsedTargetUrl, Place, TargetUrl } from "@posthorn/egress";
import { crashPoint, type SpanHandle, type Tracing } from "@posthorn/service-runtime";
import type { Exchange } from "../core/record-exchange.ts";
import { queryValuesOf, redactAnswer } from "../core/redact-answer.ts";
import { requestHeaders, type SignedHeader, timeoutMsOf } from "../core/request.ts";
import type { Signer } from "../io/signer-stream.ts";

export type OutgoingRequest = {
  readonly item: WorkItem;
  readonly webhook: WebhookConfig;
  /** The payload of the item, wherever it came from. */
  readonly event: AcceptedEvent;
  /** Asked when all is ready, right before the request leaves: the wait for a connection may have been long. */
  readonly mayLeave: () => Promise<Leave>;
  readonly possibleRepeat: boolean;
  readonly isTest: boolean;
  /** Ends the wait for a connection; a request that has left goes on. */
  readonly signal?: AbortSignal;
};

export type Leave = "yes" | "lease_lost" | "reconsider";

export type Sent =
  | { readonly kind: "exchanged"; readonly exchange: Exchange }
  /** Nothing has left: the item was not ours any more, nobody waits for it, or the process stops. */
  | { readonly kind: "not_sent"; readonly reason: "lease_lost" | "stopping" }
  /** The process stops, and ended the request under way: the receiver may have got it. */
  | { readonly kind: "aborted" }
  | { readonly kind: "unsignable"; readonly refusal: string }
  /** The decision to send, or the signature, is out of date. */
  | { readonly kind: "reconsider" };

export type SendRequest = (request: OutgoingRequest) => Promise<Sent>;

export type SendPorts = {
  readonly signer: Signer;
  readonly egress: Pick<EgressClient, "post" | "reserve">;
  /** The URL rules, applied again at every attempt: the policy may have changed since the webhook was made. */
  readonly parseTarget: (url: string) => ParsedTargetUrl;
  /** What `egress` sends as its `User-Agent`. */
  readonly userAgent: string;
  readonly tracing: Tracing;
  /** Names this process in the attempts it makes. */
  readonly dispatcher: string;
  readonly nowMs: () => number;
};

/** Receivers refuse old timestamps; a signature that waited longer than this is made anew. */
const SIGNATURE_AGE_MS_MAX = 5_000;

export function createSendRequest(ports: SendPorts): SendRequest {
  return async (request) => {
    const { item, webhook } = request;
    const body = renderBody(item, request.event);
    if (body.kind === "unrepresentable") return notSent(ports, request, body);
    const target = ports.parseTarget(webhook.url);
    if (target.kind !== "ok") {
      return notSent(ports, request, { kind: "failed", errorClass: "blocked", message: target.message });
    }
    using place = await ports.egress.reserve(target.url, webhook.id, request.signal);
    if (place === undefined) return { kind: "not_sent", reason: "stopping" };
    const span = ports.tracing.startSpan("attempt", {
      kind: "client",
      parent: item.traceparent,
      attributes: { "http.request.method": "POST", "posthorn.attempt": item.attempt, "posthorn.profile": item.profile },
    });
    try {
      return await signAndPost(ports, request, { url: target.url, place, body: body.bytes, span });
    } finally {
      span.end();
    }
  };
}

/** What a request needs besides its signature. */
type Readied = {
  readonly url: TargetUrl;
  readonly place: Place;
  readonly body: Uint8Array;
  readonly span: SpanHandle;
};

async function signAndPost(ports: SendPorts, request: OutgoingRequest, readied: Readied): Promise<Sent> {
  const { span } = readied;
  const askedAtMs = performance.now();
  const signed = await ports.signer.sign(signItemOf(request, readied.body, ports.nowMs(), span.traceparent));
  if (signed.kind === "closed") return { kind: "not_sent", reason: "stopping" };
  if (signed.kind === "refused") return { kind: "unsignable", refusal: signed.refusal };
  if (performance.now() - askedAtMs > SIGNATURE_AGE_MS_MAX) return { kind: "reconsider" };
  const leave = await request.mayLeave();
  if (leave === "lease_lost") return { kind: "not_sent", reason: leave };
  if (leave === "reconsider") return { kind: leave };
  crashPoint("dispatcher.signed");
  const exchange = await post(ports, request, readied, signed.headers);
  if (exchange === undefined) return { kind: "aborted" };
  if (exchange.result.kind === "response") {
    span.setAttributes({ "http.response.status_code": exchange.result.status });
  } else if (exchange.result.kind === "failed") span.fail(exchange.result.errorClass);
  return { kind: "exchanged", exchange };
}

function signItemOf(
  { item, webhook }: OutgoingRequest,
  body: Uint8Array,
  nowMs: number,
  traceparent: string,
): SignItem {
  const { sealed, legacyIndex } = signingSecrets(webhook, nowMs);
  return {
    orgId: item.orgId,
    webhookId: item.webhookId,
    profile: item.profile,
    messageId: item.messageId,
    timestampS: Math.floor(nowMs / 1_000),
    body: asBuffer(body),
    sealedSecrets: sealed.map(asBuffer),
    legacyIndex,
    withoutLegacy: !webhook.hasSecret,
    sealedToken: asBuffer(webhook.sealedToken ?? NOTHING),
    sealedHeaders: asBuffer(webhook.sealedHeaders ?? NOTHING),
    traceparent,
  };
}

const NOTHING = new Uint8Array();

/** Undefined: the client was closed under the request. */
async function post(
  ports: SendPorts,
  request: OutgoingRequest,
  { url, place, body, span }: Readied,
  signed: readonly SignedHeader[],
): Promise<Exchange | undefined> {
  const { sent, shown, secrets } = requestHeaders(request.item, request.event, signed, span.traceparent);
  const deadlineMs = timeoutMsOf(request.item, request.webhook);
  const startedAtMs = ports.nowMs();
  const startedMs = performance.now();
  const result = await ports.egress.post({ url, place, headers: sent, body, deadlineMs });
  if (result.kind === "aborted") return undefined;
  return {
    ...aboutRequest(ports, request),
    // A reused socket that broke may have brought it there the first time.
    possibleRepeat: request.possibleRepeat || result.redone,
    requestHeaders: [...shown, ["User-Agent", ports.userAgent]],
    startedAtMs,
    durationMs: Math.round(performance.now() - startedMs),
    result: result.kind === "response" ? redactAnswer(result, [...secrets, ...queryValuesOf(url.href)]) : result,
  };
}

/** An attempt that ended before anything could be sent. */
function notSent(ports: SendPorts, request: OutgoingRequest, result: Exchange["result"]): Sent {
  const startedAtMs = ports.nowMs();
  const exchange = { ...aboutRequest(ports, request), requestHeaders: [], startedAtMs, durationMs: 0, result };
  return { kind: "exchanged", exchange };
}

function aboutRequest({ dispatcher }: SendPorts, { item, webhook, possibleRepeat, isTest }: OutgoingRequest) {
  return { attempt: item.attempt, url: webhook.url, dispatcher, possibleRepeat, isTest };
}
