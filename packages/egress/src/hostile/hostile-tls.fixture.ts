/** Receivers that do their worst before a first request can leave: during the TLS handshake. */

import type { TlsOptions } from "node:tls";
import {
  EXPIRED_CERTIFICATE,
  RECEIVER_CERTIFICATE,
  RECEIVER_KEY,
  SELF_SIGNED_CERTIFICATE,
} from "../client/certificates.fixture.ts";
import { drip, flood, type ReceiverBehaviour, started } from "../client/receiver.fixture.ts";

export interface HostileTls {
  readonly what: string;
  readonly behaviour: ReceiverBehaviour;
  /** `receiver.test` when absent, for which the good certificate is. */
  readonly host?: string;
  readonly errorClass: "tls" | "reset";
  readonly message: string;
}

const GOOD: TlsOptions = { key: RECEIVER_KEY, cert: RECEIVER_CERTIFICATE };
/** A record of the handshake that promises 16 KiB. */
const HALF_A_RECORD = Buffer.from([22, 3, 3, 0x40, 0, 2, 0, 0, 70]);
const SSL3_SERVER_HELLO = Buffer.from([
  22,
  3,
  0,
  0,
  42,
  2,
  0,
  0,
  38,
  3,
  0,
  ...new Array<number>(32).fill(7),
  0,
  0,
  10,
  0,
]);
const SSL3_HANDSHAKE_FAILURE = Buffer.from([21, 3, 0, 0, 2, 2, 40]);
const BROKEN = "the TLS handshake failed";
const CLOSED = "the connection was closed during the TLS handshake";
const LATE = "the TLS handshake did not finish in time";
const NO_TLS = "the receiver does not speak TLS on this port";
const OLD = "the receiver does not support TLS 1.2 or later";

function certificate(what: string, tls: TlsOptions, message: string): HostileTls {
  return { what, behaviour: { tls }, errorClass: "tls", message };
}

/** Does something else than a handshake when it gets the client's hello. */
function hello(what: string, message: string, answer: ReceiverBehaviour["onConnection"] & {}): HostileTls {
  const onConnection: typeof answer = (socket) => socket.once("data", () => answer(socket));
  return { what, behaviour: { onConnection }, errorClass: "tls", message };
}

export const HOSTILE_TLS: readonly HostileTls[] = [
  certificate("an expired certificate", { ...GOOD, cert: EXPIRED_CERTIFICATE }, "the certificate has expired"),
  certificate(
    "a self-signed certificate",
    { ...GOOD, cert: SELF_SIGNED_CERTIFICATE },
    "the certificate is self-signed",
  ),
  {
    ...certificate("a certificate for another name", GOOD, "the certificate is for another host name"),
    host: "other.test",
  },
  {
    ...certificate("a certificate for a name above", GOOD, "the certificate is for another host name"),
    host: "sub.receiver.test",
  },
  certificate(
    "a demand for a certificate of ours",
    { ...GOOD, requestCert: true, rejectUnauthorized: true },
    "the receiver ended the TLS session",
  ),
  hello("plain HTTP", NO_TLS, (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")),
  hello("an SSL 3.0 hello", OLD, (socket) => socket.write(SSL3_SERVER_HELLO)),
  hello("an SSL 3.0 refusal", BROKEN, (socket) => socket.write(SSL3_HANDSHAKE_FAILURE)),
  hello("a reset at the hello", CLOSED, (socket) => socket.resetAndDestroy()),
  hello("a close at the hello", CLOSED, (socket) => socket.end()),
  hello("silence after the hello", LATE, () => {}),
  hello("half a record and silence", LATE, (socket) => socket.write(HALF_A_RECORD)),
  hello("a close in a record", CLOSED, (socket) => socket.end(HALF_A_RECORD)),
  hello("a drip-fed handshake", LATE, (socket) => drip(started(socket, HALF_A_RECORD), Buffer.alloc(1), 20)),
  hello("an endless handshake", BROKEN, (socket) =>
    flood(socket, Buffer.concat([HALF_A_RECORD, Buffer.alloc(16_384)])),
  ),
  {
    what: "a reset after the handshake",
    behaviour: { tls: GOOD, onConnection: (socket) => socket.destroy() },
    errorClass: "reset",
    message: "the receiver closed the connection before it answered",
  },
  {
    what: "a reset after the request",
    behaviour: { tls: GOOD, onRequest: (socket) => socket.destroy() },
    errorClass: "reset",
    message: "the receiver closed the connection before it answered",
  },
];
