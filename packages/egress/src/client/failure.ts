/** How an attempt can fail, and what the subscriber is told about it. */

import type { UnresolvedReason } from "../dns/resolver.ts";
import { NOT_PUBLIC } from "../target/target-url.ts";
import type { FailureClass } from "./post-result.ts";

/** Why no usable socket came about. `code` is Node's or OpenSSL's. */
export type ConnectFailure =
  | { readonly stage: "resolve"; readonly reason: UnresolvedReason }
  | { readonly stage: "guard" }
  /** Of `proxy` the code may also be the status with which the egress proxy refused. */
  | { readonly stage: "connect" | "proxy" | "tls"; readonly code: string };

export type Failure =
  | ConnectFailure
  /** The socket or the protocol broke after the request went out. */
  | { readonly stage: "exchange"; readonly code: string }
  | { readonly stage: "interim"; readonly responsesMax: number }
  | { readonly stage: "flood"; readonly bytesMax: number }
  | { readonly stage: "deadline"; readonly deadlineMs: number; readonly waitedFor: Waiting };

/** What a POST was waiting for when its time was up. */
export type Waiting = "connection" | "answer" | "headers";

export interface ClassifiedFailure {
  readonly errorClass: FailureClass;
  readonly message: string;
}

const UNRESOLVED: Record<UnresolvedReason, string> = {
  not_found: "the host name does not resolve",
  timeout: "the name servers did not answer in time",
  failed: "the name servers failed to answer",
  too_many_addresses: "the host name has too many addresses",
};

const CONNECT: Record<string, string> = {
  ECONNREFUSED: "the connection was refused",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the host cannot be reached",
  ETIMEDOUT: "the connection could not be opened in time",
};

const TLS: Record<string, string> = {
  CERT_HAS_EXPIRED: "the certificate has expired",
  CERT_NOT_YET_VALID: "the certificate is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
  ECONNRESET: "the connection was closed during the TLS handshake",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the receiver does not speak TLS on this port",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "the receiver does not support TLS 1.2 or later",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the receiver does not support TLS 1.2 or later",
  ERR_SSL_WRONG_VERSION_NUMBER: "the receiver does not speak TLS on this port",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host name",
  ETIMEDOUT: "the TLS handshake did not finish in time",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate is not signed by a trusted authority",
  UNABLE_TO_GET_ISSUER_CERT: "the certificate chain is incomplete",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate chain is incomplete or its authority not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate chain is incomplete or its authority not trusted",
};

const WAITED_FOR: Record<Waiting, string> = {
  connection: "the connection was not open yet",
  answer: "the receiver had not answered",
  headers: "the receiver had not finished its response headers",
};

export function classifyFailure(failure: Failure): ClassifiedFailure {
  switch (failure.stage) {
    case "resolve":
      return { errorClass: "dns", message: UNRESOLVED[failure.reason] };
    case "guard":
      return { errorClass: "blocked", message: NOT_PUBLIC.message };
    case "connect":
      // Accepted and dropped at once: whether the request was already on its way is a matter of microseconds.
      if (failure.code === "ECONNRESET") return classifyBrokenExchange(failure.code);
      return { errorClass: "connect", message: CONNECT[failure.code] ?? `could not connect (${failure.code})` };
    case "proxy":
      return { errorClass: "connect", message: `the egress proxy did not connect to the receiver (${failure.code})` };
    case "tls":
      return { errorClass: "tls", message: TLS[failure.code] ?? `the TLS handshake failed (${failure.code})` };
    case "exchange":
      return classifyBrokenExchange(failure.code);
    case "interim":
      return tooLarge(`more than ${failure.responsesMax} interim (1xx) responses`);
    case "flood":
      return tooLarge(`more than ${failure.bytesMax} bytes before the end of its headers`);
    case "deadline":
      return {
        errorClass: "timeout",
        message: `timed out after ${failure.deadlineMs} ms: ${WAITED_FOR[failure.waitedFor]}`,
      };
  }
}

function classifyBrokenExchange(code: string): ClassifiedFailure {
  if (code === "UND_ERR_HEADERS_OVERFLOW") return tooLarge("response headers that are too large");
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)) {
    return { errorClass: "tls", message: `the receiver ended the TLS session (${code})` };
  }
  if (/^HPE_/.test(code)) return { errorClass: "reset", message: "the receiver did not answer in valid HTTP/1.1" };
  return { errorClass: "reset", message: "the receiver closed the connection before it answered" };
}

function tooLarge(what: string): ClassifiedFailure {
  return { errorClass: "too_large", message: `the receiver sent ${what}` };
}
