import { describe, expect, it } from "vitest";
import { classifyFailure, type Failure } from "./failure.ts";
import type { FailureClass } from "./post-result.ts";

const TABLE: readonly (readonly [failure: Failure, errorClass: FailureClass, message: string])[] = [
  [{ stage: "resolve", reason: "not_found" }, "dns", "the host name does not resolve"],
  [{ stage: "resolve", reason: "timeout" }, "dns", "the name servers did not answer in time"],
  [{ stage: "resolve", reason: "failed" }, "dns", "the name servers failed to answer"],
  [{ stage: "guard" }, "blocked", "url must point to a host on the public internet"],
  [{ stage: "connect", code: "ECONNREFUSED" }, "connect", "the connection was refused"],
  [{ stage: "connect", code: "EHOSTUNREACH" }, "connect", "the host cannot be reached"],
  [{ stage: "connect", code: "ETIMEDOUT" }, "connect", "the connection could not be opened in time"],
  [{ stage: "connect", code: "ECONNRESET" }, "reset", "the receiver closed the connection before it answered"],
  [{ stage: "connect", code: "EMFILE" }, "connect", "could not connect (EMFILE)"],
  [{ stage: "tls", code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, "tls", "the certificate is self-signed"],
  [{ stage: "tls", code: "CERT_HAS_EXPIRED" }, "tls", "the certificate has expired"],
  [{ stage: "tls", code: "ERR_TLS_CERT_ALTNAME_INVALID" }, "tls", "the certificate is for another host name"],
  [{ stage: "tls", code: "ERR_SSL_WRONG_VERSION_NUMBER" }, "tls", "the receiver does not speak TLS on this port"],
  [{ stage: "tls", code: "ECONNRESET" }, "tls", "the connection was closed during the TLS handshake"],
  [{ stage: "tls", code: "ETIMEDOUT" }, "tls", "the TLS handshake did not finish in time"],
  [{ stage: "tls", code: "ERR_SSL_OTHER" }, "tls", "the TLS handshake failed (ERR_SSL_OTHER)"],
  [{ stage: "exchange", code: "ECONNRESET" }, "reset", "the receiver closed the connection before it answered"],
  [{ stage: "exchange", code: "UND_ERR_SOCKET" }, "reset", "the receiver closed the connection before it answered"],
  [{ stage: "exchange", code: "EPIPE" }, "reset", "the receiver closed the connection before it answered"],
  [{ stage: "exchange", code: "HPE_INVALID_CONSTANT" }, "reset", "the receiver did not answer in valid HTTP/1.1"],
  [
    { stage: "exchange", code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" },
    "tls",
    "the receiver ended the TLS session (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)",
  ],
  [
    { stage: "exchange", code: "UND_ERR_HEADERS_OVERFLOW" },
    "too_large",
    "the receiver sent response headers that are too large",
  ],
  [{ stage: "interim", responsesMax: 10 }, "too_large", "the receiver sent more than 10 interim (1xx) responses"],
  [{ stage: "flood", bytesMax: 9 }, "too_large", "the receiver sent more than 9 bytes before the end of its headers"],
  [
    { stage: "deadline", deadlineMs: 1_000, waitedFor: "connection" },
    "timeout",
    "timed out after 1000 ms: the connection was not open yet",
  ],
  [
    { stage: "deadline", deadlineMs: 1_000, waitedFor: "answer" },
    "timeout",
    "timed out after 1000 ms: the receiver had not answered",
  ],
  [
    { stage: "deadline", deadlineMs: 1_000, waitedFor: "headers" },
    "timeout",
    "timed out after 1000 ms: the receiver had not finished its response headers",
  ],
];

describe("a failed attempt", () => {
  it.each(TABLE)("%j is %s: %s", (failure, errorClass, message) => {
    expect(classifyFailure(failure)).toEqual({ errorClass, message });
  });
});
