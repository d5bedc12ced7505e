/** Receivers that do their worst over plain HTTP, and what becomes of a POST to each. */

import type { Socket } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { drip, flood, OK, type ReceiverBehaviour, started } from "../client/receiver.fixture.ts";

/**
 * Of an answer its status and how its body ended, of anything else the class of the error. `in time` means that it
 * is told well before the deadline.
 */
export type HostileReceiver = readonly [what: string, outcome: string, behaviour: ReceiverBehaviour];

type Answer = (socket: Socket) => void;

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const ZEROS = Buffer.alloc(20_000_000);
const METADATA = "http://169.254.169.254/latest/meta-data/";

function answering(what: string, outcome: string, answer: Answer | string): HostileReceiver {
  const onRequest: Answer = typeof answer === "string" ? (socket) => socket.write(answer, "latin1") : answer;
  return [what, outcome, { onRequest }];
}

function connecting(what: string, outcome: string, onConnection: Answer): HostileReceiver {
  return [what, outcome, { onConnection, onRequest: () => {} }];
}

function compressed(encoding: string, bomb: Buffer): HostileReceiver {
  const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bomb.length}\r\n\r\n`;
  const answer: Answer = (socket) => socket.write(Buffer.concat([Buffer.from(head), bomb]));
  return answering(`a ${encoding} bomb`, bomb.length > 65_536 ? "200 limit" : "200 complete", answer);
}

const REDIRECTS: readonly HostileReceiver[] = [301, 302, 303, 307, 308].map((status) =>
  answering(
    `a redirect (${status}) to the metadata service`,
    `${status} complete`,
    `HTTP/1.1 ${status} X\r\nlocation: ${METADATA}\r\ncontent-length: 0\r\n\r\n`,
  ),
);

const RESETS: readonly HostileReceiver[] = [
  connecting("a reset at accept", "reset", (socket) => socket.resetAndDestroy()),
  connecting("a close at accept", "reset", (socket) => socket.end()),
  connecting("a reset at the first byte of the request", "reset", (socket) =>
    socket.once("data", () => socket.resetAndDestroy()),
  ),
  answering("a reset after the request", "reset", (socket) => socket.resetAndDestroy()),
  answering("a close after the request", "reset", (socket) => socket.end()),
  answering("a close in the status line", "reset", (socket) => socket.end("HTTP/1.1 20")),
  answering("a reset in the status line", "reset", (socket) => socket.write("HTTP/1.", () => socket.resetAndDestroy())),
  answering("a close in the headers", "reset", (socket) => socket.end("HTTP/1.1 200 OK\r\nx: y\r\n")),
  answering("a reset in the headers", "reset", (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nx", () => socket.resetAndDestroy()),
  ),
  answering("a close after an interim answer", "reset", (socket) => socket.end("HTTP/1.1 103 X\r\n\r\n")),
  answering("a close in the body", "200 reset", (socket) =>
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"),
  ),
  answering("a reset in the body", "200 reset", (socket) =>
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", () =>
      setTimeout(() => socket.resetAndDestroy(), 30),
    ),
  ),
  answering("a close in a chunk", "200 reset", (socket) => socket.end(`${CHUNKED}5\r\nab`)),
];

const SLOW: readonly HostileReceiver[] = [
  connecting("one that accepts and says nothing", "timeout", () => {}),
  answering("drip-fed empty lines", "timeout", (socket) => drip(socket, "\r\n", 20)),
  answering("a drip-fed status line", "timeout", (socket) => drip(started(socket, "HTTP/1.1 200 "), "O", 20)),
  answering("a drip-fed header", "timeout", (socket) => drip(started(socket, "HTTP/1.1 200 OK\r\nx: "), "a", 20)),
  answering("drip-fed headers", "timeout", (socket) => drip(started(socket, "HTTP/1.1 200 OK\r\n"), "x: y\r\n", 20)),
  answering("drip-fed interim answers", "timeout", (socket) => drip(socket, "HTTP/1.1 102 X\r\n\r\n", 150)),
  answering("an interim answer and silence", "timeout", "HTTP/1.1 102 Processing\r\n\r\n"),
  answering("a drip-fed body", "200 deadline", (socket) =>
    drip(started(socket, "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"), "a", 20),
  ),
  answering("a drip-fed failure", "500 deadline", (socket) =>
    drip(started(socket, "HTTP/1.1 500 X\r\ncontent-length: 999\r\n\r\n"), "a", 20),
  ),
  answering("a drip-fed chunk size", "200 deadline", (socket) => drip(started(socket, CHUNKED), "0", 20)),
  answering("a body that never begins", "200 deadline", "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"),
  answering("a body without length or end", "200 deadline", "HTTP/1.1 200 OK\r\n\r\nab"),
];

const ENDLESS: readonly HostileReceiver[] = [
  answering("endless empty lines", "too_large", (socket) => flood(socket, "\r\n".repeat(4_096))),
  answering("an endless reason phrase", "too_large", (socket) =>
    flood(started(socket, "HTTP/1.1 200 "), "a".repeat(4_096)),
  ),
  answering("an endless header name", "too_large", (socket) =>
    flood(started(socket, "HTTP/1.1 200 OK\r\n"), "a".repeat(4_096)),
  ),
  answering("an endless header", "too_large", (socket) =>
    flood(started(socket, "HTTP/1.1 200 OK\r\nx: "), "a".repeat(4_096)),
  ),
  answering("endless headers", "too_large", (socket) =>
    flood(started(socket, "HTTP/1.1 200 OK\r\n"), "x: y\r\n".repeat(99)),
  ),
  answering("a flood of cookies", "too_large", (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\n${"set-cookie: a=b\r\n".repeat(2_000)}\r\n`),
  ),
  answering("a flood of interim answers", "too_large", (socket) => flood(socket, "HTTP/1.1 102 X\r\n\r\n".repeat(99))),
  answering("an eleventh interim answer", "too_large", `${"HTTP/1.1 103 X\r\n\r\n".repeat(11)}${OK}`),
  answering("an endless body", "200 limit", (socket) =>
    flood(started(socket, "HTTP/1.1 200 OK\r\n\r\n"), ZEROS.subarray(0, 65_536)),
  ),
  answering("an endless body of tiny chunks", "200 limit", (socket) =>
    flood(started(socket, CHUNKED), "1\r\na\r\n".repeat(999)),
  ),
  answering("an endless chunk extension", "200 limit", (socket) =>
    flood(started(socket, `${CHUNKED}1;`), "a".repeat(65_536)),
  ),
  answering("endless trailers", "200 reset", (socket) =>
    flood(started(socket, `${CHUNKED}0\r\n`), "x: y\r\n".repeat(999)),
  ),
  answering("a body of a length that nobody could send", "200 limit", (socket) =>
    flood(started(socket, "HTTP/1.1 200 OK\r\ncontent-length: 9007199254740991\r\n\r\n"), ZEROS.subarray(0, 65_536)),
  ),
  compressed("gzip", gzipSync(ZEROS)),
  compressed("deflate", deflateSync(ZEROS)),
  compressed("br", brotliCompressSync(ZEROS.subarray(0, 1_000_000))),
  compressed("gzip, gzip", gzipSync(gzipSync(ZEROS))),
];

const MALFORMED: readonly HostileReceiver[] = [
  answering("another protocol", "reset", "SSH-2.0-OpenSSH_9.2\r\n"),
  answering("HTTP/2", "reset", "\u0000\u0000\u0012\u0004\u0000\u0000\u0000\u0000\u0000"),
  answering("a page without a status line", "reset", "<html>\r\n\r\n"),
  // Nothing asked for it, and the HTTP client takes it for a broken answer.
  answering("a 100 that nobody asked for", "reset", `HTTP/1.1 100 Continue\r\n\r\n${OK}`),
  answering("a version that does not exist", "reset", "HTTP/9.9 200 OK\r\n\r\n"),
  answering("a status with two digits", "reset", "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n"),
  answering("a status that is no number", "reset", "HTTP/1.1 OK\r\ncontent-length: 0\r\n\r\n"),
  answering("two lengths", "reset", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
  answering("a negative length", "reset", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"),
  answering("a length beyond 64 bits", "reset", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n"),
  answering(
    "a length and chunks",
    "reset",
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  answering("a chunk size beyond 64 bits", "200 reset", `${CHUNKED}fffffffffffffffff\r\na`),
  answering("a chunk size that is no number", "200 reset", `${CHUNKED}xyz\r\na\r\n`),
  answering("a NUL in a header", "reset", "HTTP/1.1 200 OK\r\nx: a\u0000b\r\ncontent-length: 0\r\n\r\n"),
  answering("a header without a name", "reset", "HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 0\r\n\r\n"),
  answering("a lone carriage return in a header", "reset", "HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n"),
  answering("a switch of protocols", "reset", "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"),
];

const MISLEADING: readonly HostileReceiver[] = [
  answering(
    "hints to load and to move",
    "200 complete",
    [
      "HTTP/1.1 200 OK",
      `link: <${METADATA}>; rel=preload`,
      `refresh: 0; url=${METADATA}`,
      'alt-svc: h3="169.254.169.254:443"',
      "set-cookie: a=b",
      "content-length: 0\r\n\r\n",
    ].join("\r\n"),
  ),
  answering("a second answer behind the first", "200 complete", OK + OK.replace("200", "500")),
  answering(
    "a promise to keep the socket for ever",
    "200 complete",
    "HTTP/1.1 200 OK\r\nkeep-alive: timeout=99999999\r\ncontent-length: 0\r\n\r\n",
  ),
  answering("a body that is longer than it said", "200 complete", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabc"),
  answering("a body where there must be none", "204 complete", "HTTP/1.1 204 X\r\n\r\nabc"),
  answering(
    "control characters in a body",
    "200 complete",
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\u001b\u0000\u00ff",
  ),
];

export const HOSTILE_RECEIVERS: readonly HostileReceiver[] = [
  ...REDIRECTS,
  ...RESETS,
  ...SLOW,
  ...ENDLESS,
  ...MALFORMED,
  ...MISLEADING,
];
