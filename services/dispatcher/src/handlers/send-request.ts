/**
 * Renders, signs and sends one request. Between signing and sending the world may have moved on: a signature that has
 * grown old is made anew, and an item that is not ours any more stops the request before it leaves.
 */

import { asBuffer, type SignItem } from "@posthorn/contracts";
import { type AcceptedEvent, signingSecrets, type WebhookConfig, type WorkItem } from "@posthorn/domain";
import type {
  EgressClient,
  ParsedTargetUrl,
  Place,
  PostFailure,
  PostResponse,
  PostResult,
  TargetUrl,
} from "@posthorn/egress";
import { crashPoint, type SpanHandle, type Tracing } from "@posthorn/service-runtime";
import type { Exchange } from "../core/record-exchange.ts";
import { queryValuesOf, redactAnswer } from "../core/redact-answer.ts";
import { BodyRenderer } from "../core/render-bodies.ts";
import { type RequestHeaders, requestHeaders, type SignedHeader, timeoutMsOf } from "../core/request.ts";
import type { Signer } from "../io/signer-stream.ts";
import type { Soon } from "../soon.ts";
import type { ReservePlace } from "./reserve-place.ts";

export type OutgoingRequest = {
  readonly item: WorkItem;
  readonly webhook: WebhookConfig;
  /** The payload of the item, wherever it came from. */
  readonly event: AcceptedEvent;
  /** Asked when all is ready, right before the request leaves: the wait for a connection may have been long. */
  readonly mayLeave: () => Soon<Leave>;
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
  readonly egress: Pick<EgressClient, "post"> & { readonly reserve: ReservePlace };
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
  const bodies = new BodyRenderer();
  return async (request) => {
    const { webhook } = request;
    const body = bodies.render(request.item, request.event);
    if (body.kind === "unrepresentable") return notSent(ports, request, body);
    const target = ports.parseTarget(webhook.url);
    if (target.kind !== "ok") {
      return notSent(ports, request, { kind: "failed", errorClass: "blocked", message: target.message });
    }
    return await signAndPost(ports, request, { url: target.url, body: body.bytes });
  };
}

/** What a request needs besides its signature and its place. */
type Readied = { readonly url: TargetUrl; readonly body: Uint8Array };

async function signAndPost(ports: SendPorts, request: OutgoingRequest, readied: Readied): Promise<Sent> {
  const span = startSpan(ports.tracing, request.item);
  try {
    const signed = await sign(ports, request, readied, span);
    if (signed.kind !== "signed") return signed;
    // Behind the signature: a socket is for those who are ready to use it.
    const reserved = ports.egress.reserve(readied.url, request.webhook.id, request.signal);
    using place = reserved instanceof Promise ? await reserved : reserved;
    if (place === undefined) return { kind: "not_sent", reason: "stopping" };
    const fresh = isFresh(signed) ? signed : await sign(ports, request, readied, span);
    if (fresh.kind !== "signed") return fresh;
    if (!isFresh(fresh)) return { kind: "reconsider" };
    const allowed = request.mayLeave();
    const leave = allowed instanceof Promise ? await allowed : allowed;
    if (leave === "lease_lost") return { kind: "not_sent", reason: leave };
    if (leave === "reconsider") return { kind: leave };
    crashPoint("dispatcher.signed");
    const outgoing = requestHeaders(request.item, request.event, fresh.headers, span.traceparent);
    const startedAtMs = ports.nowMs();
    const result = await post(ports, request, { ...readied, place }, outgoing.sent);
    if (result.kind === "aborted") return { kind: "aborted" };
    tell(span, result);
    const exchange = exchangeOf(ports, request, readied.url, outgoing, startedAtMs, result);
    return { kind: "exchanged", exchange };
  } finally {
    span.end();
  }
}

type Signature = { readonly kind: "signed"; readonly headers: readonly SignedHeader[]; readonly askedAtMs: number };

async function sign(
  ports: SendPorts,
  request: OutgoingRequest,
  { body }: Readied,
  { traceparent }: SpanHandle,
): Promise<Signature | Extract<Sent, { kind: "not_sent" | "unsignable" }>> {
  const askedAtMs = performance.now();
  const signed = await ports.signer.sign(signItemOf(request, body, ports.nowMs(), traceparent));
  if (signed.kind === "closed") return { kind: "not_sent", reason: "stopping" };
  if (signed.kind === "refused") return { kind: "unsignable", refusal: signed.refusal };
  return { ...signed, askedAtMs };
}

function isFresh({ askedAtMs }: Signature): boolean {
  return performance.now() - askedAtMs <= SIGNATURE_AGE_MS_MAX;
}

function startSpan(tracing: Tracing, item: WorkItem): SpanHandle {
  return tracing.startSpan("attempt", {
    kind: "client",
    parent: item.traceparent,
    attributes: { "http.request.method": "POST", "posthorn.attempt": item.attempt, "posthorn.profile": item.profile },
  });
}

function tell(span: SpanHandle, result: PostResult): void {
  if (result.kind === "response") span.setAttributes({ "http.response.status_code": result.status });
  else if (result.kind === "failed") span.fail(result.errorClass);
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

function post(
  { egress }: SendPorts,
  { item, webhook }: OutgoingRequest,
  { url, place, body }: Readied & { readonly place: Place },
  headers: RequestHeaders["sent"],
): Promise<PostResult> {
  return egress.post({ url, place, headers, body, deadlineMs: timeoutMsOf(item, webhook) });
}

function exchangeOf(
  ports: SendPorts,
  request: OutgoingRequest,
  { href }: TargetUrl,
  { shown, secrets }: RequestHeaders,
  startedAtMs: number,
  result: PostResponse | PostFailure,
): Exchange {
  return {
    ...aboutRequest(ports, request),
    // A reused socket that broke may have brought it there the first time.
    possibleRepeat: request.possibleRepeat || result.redone,
    requestHeaders: [...shown, ["User-Agent", ports.userAgent]],
    startedAtMs,
    durationMs: Math.round(result.timing.durationMs),
    result: result.kind === "response" ? redactAnswer(result, [...secrets, ...queryValuesOf(href)]) : result,
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
