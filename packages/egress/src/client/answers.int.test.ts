import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { EgressLimits } from "../limits.ts";
import { failure, response, startClient, text } from "./egress-client.fixture.ts";
import { drip, flood, OK, started, startReceiver } from "./receiver.fixture.ts";

async function answerTo(answer: (socket: Socket) => void, deadlineMs = 5_000, limits: Partial<EgressLimits> = {}) {
  await using receiver = await startReceiver({ onRequest: answer });
  await using client = startClient({ limits });
  const result = await client.postTo(`http://127.0.0.1:${receiver.port}/`, { deadlineMs });
  return { result, requests: receiver.requests };
}

describe("the request", () => {
  it("goes out as it was asked for, to the host of the URL", async () => {
    await using receiver = await startReceiver();
    await using client = startClient();
    await client.postTo(`http://hooks.test:${receiver.port}/a?t='x'&u=%7e`, {
      headers: [
        ["content-type", "application/json"],
        ["Webhook-Id", "1"],
      ],
      body: Buffer.from('{"a":1}'),
    });
    expect(receiver.requests).toEqual([
      [
        "POST /a?t='x'&u=%7e HTTP/1.1",
        `host: hooks.test:${receiver.port}`,
        "connection: keep-alive",
        "user-agent: Posthorn/test",
        "accept-encoding: identity",
        "content-type: application/json",
        "Webhook-Id: 1",
        "content-length: 7",
        "",
        '{"a":1}',
      ].join("\r\n"),
    ]);
  });

  it("is refused as a bug when a header could not be sent", async () => {
    await using receiver = await startReceiver();
    await using client = startClient();
    const url = `http://127.0.0.1:${receiver.port}/`;
    await expect(client.postTo(url, { headers: [["x", "a\r\nb: c"]] })).rejects.toThrow("invalid x header");
    await expect(client.postTo(url, { headers: [["host", "evil"]] })).rejects.toThrow(TypeError);
    await expect(client.postTo(url, { deadlineMs: Date.now() })).rejects.toThrow(RangeError);
    // Also when the connection has been used before.
    await client.postTo(url);
    await expect(client.postTo(url, { headers: [["x", "\n"]] })).rejects.toThrow("invalid x header");
    expect(receiver.requests).toHaveLength(1);
    expect(client.stats()).toMatchObject({ connections: 0, waiting: 0 });
  });
});

describe("an answer", () => {
  it("is told with status, headers and body", async () => {
    const { result } = await answerTo((socket) =>
      socket.write("HTTP/1.1 500 Oops\r\nX-A: 1\r\nx-a: 2\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\noops"),
    );
    const { timing, body, ...rest } = response(result);
    expect(rest).toEqual({
      kind: "response",
      status: 500,
      headers: [
        ["x-a", "1"],
        ["x-a", "2"],
        ["retry-after", "7"],
        ["content-length", "4"],
      ],
      truncated: false,
      bodyEnd: "complete",
      retryAfter: "7",
      redone: false,
    });
    expect(text(body)).toBe("oops");
    expect(timing.durationMs).toBeGreaterThanOrEqual(timing.headersMs ?? Number.NaN);
    expect(timing.headersMs).toBeGreaterThanOrEqual(timing.connectMs ?? Number.NaN);
  });

  it.each([
    ["200 OK", "content-length: 0\r\n\r\n", 200],
    ["204 No Content", "\r\n", 204],
    ["404 Not Found", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 404],
    ["410 Gone", "connection: close\r\n\r\n", 410],
  ])("may be %s with %j", async (statusLine, rest, status) => {
    const { result } = await answerTo((socket) => socket.end(`HTTP/1.1 ${statusLine}\r\n${rest}`));
    expect(response(result)).toMatchObject({ status, bodyEnd: "complete", truncated: false });
  });

  it("may end its body by closing the connection", async () => {
    const { result } = await answerTo((socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nhello"));
    expect(response(result)).toMatchObject({ status: 200, bodyEnd: "complete" });
    expect(text(response(result).body)).toBe("hello");
  });

  it.each([301, 302, 303, 307, 308])("that redirects (%d) is not followed", async (status) => {
    const { result, requests } = await answerTo((socket) =>
      socket.write(`HTTP/1.1 ${status} X\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n`),
    );
    expect(response(result)).toMatchObject({ status });
    expect(requests).toHaveLength(1);
  });

  it("that is compressed is left alone", async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const { result } = await answerTo((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
      socket.write(bomb);
    });
    expect(response(result).body).toEqual(bomb);
  });

  it("may be preceded by a few interim answers", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(10);
    const { result } = await answerTo((socket) => socket.write(hints + OK));
    expect(response(result)).toMatchObject({ status: 200, headers: [["content-length", "2"]] });
  });

  it.each([
    ["seconds", "retry-after: 120\r\n", "120"],
    ["a date", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", "Fri, 31 Dec 1999 23:59:59 GMT"],
    ["nonsense", "retry-after: -1e9; soon\r\n", "-1e9; soon"],
    ["nothing", "retry-after:\r\n", ""],
    ["two of them", "retry-after: 5\r\nretry-after: 7\r\n", "5"],
    ["one behind more headers than are kept", `${"x: y\r\n".repeat(150)}retry-after: 9\r\n`, "9"],
    ["none", "", undefined],
  ])("tells when to come back: %s", async (_what, lines, expected) => {
    const { result } = await answerTo((socket) => socket.write(`HTTP/1.1 429 X\r\n${lines}content-length: 0\r\n\r\n`));
    expect(response(result)).toMatchObject({ status: 429 });
    expect(response(result).retryAfter).toBe(expected);
  });

  it("has no more headers than are kept", async () => {
    const many = Array.from({ length: 150 }, (_, index) => `x-${index}: 1\r\n`).join("");
    const { result } = await answerTo((socket) => socket.write(`HTTP/1.1 200 OK\r\n${many}content-length: 0\r\n\r\n`));
    expect(response(result).headers).toHaveLength(100);
  });
});

describe("once the headers are in, the status counts", () => {
  it("when the body is longer than what is kept", async () => {
    const { result } = await answerTo((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n${"a".repeat(20_000)}`),
    );
    expect(response(result)).toMatchObject({ status: 200, truncated: true, bodyEnd: "complete" });
    expect(response(result).body).toHaveLength(10_240);
  });

  it("when the body is longer than what is read", async () => {
    const { result } = await answerTo((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n${"a".repeat(70_000)}`),
    );
    expect(response(result)).toMatchObject({ status: 200, truncated: true, bodyEnd: "limit" });
  });

  it.each([
    ["endless", "HTTP/1.1 200 OK\r\n\r\n", Buffer.alloc(65_536, "a")],
    ["endless in small chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\na\r\n".repeat(1_000)],
    ["one endless chunk extension", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "a".repeat(65_536)],
  ])("when the body is %s", async (_name, head, piece) => {
    const { result } = await answerTo((socket) => {
      socket.write(head);
      flood(socket, piece);
    });
    expect(response(result)).toMatchObject({ status: 200, truncated: true, bodyEnd: "limit" });
    expect(response(result).timing.durationMs).toBeLessThan(2_000);
  });

  it("when the body drips until the deadline", async () => {
    const { result } = await answerTo((socket) => {
      socket.write("HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n");
      drip(socket, "a", 50);
    }, 400);
    expect(response(result)).toMatchObject({ status: 201, truncated: true, bodyEnd: "deadline" });
    expect(response(result).timing.durationMs).toBeGreaterThanOrEqual(400);
    expect(response(result).timing.durationMs).toBeLessThan(1_000);
  });

  it("when the body drips for longer than a body may take, however long the deadline is", async () => {
    const answer = (socket: Socket) =>
      drip(started(socket, "HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n"), "a", 50);
    const { result } = await answerTo(answer, 30_000, { responseBodyMsMax: 300 });
    expect(response(result)).toMatchObject({ status: 201, truncated: true, bodyEnd: "deadline" });
    expect(response(result).timing.durationMs).toBeGreaterThanOrEqual(300);
    expect(response(result).timing.durationMs).toBeLessThan(1_000);
  });

  it.each([
    ["closed", (socket: Socket) => socket.end()],
    ["reset", (socket: Socket) => setTimeout(() => socket.resetAndDestroy(), 50)],
  ])("when the connection is %s in the middle of the body", async (_name, end) => {
    const { result } = await answerTo((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
      end(socket);
    });
    expect(response(result)).toMatchObject({ status: 200, truncated: true, bodyEnd: "reset" });
    expect(text(response(result).body)).toBe("half");
  });
});

describe("what never becomes an answer", () => {
  it.each<readonly [string, string, (socket: Socket) => void]>([
    ["too_large", "an endless header", (socket) => flood(started(socket, "HTTP/1.1 200 OK\r\nx: "), "a".repeat(4_096))],
    ["too_large", "endless headers", (socket) => flood(started(socket, "HTTP/1.1 200 OK\r\n"), "x: y\r\n".repeat(100))],
    ["too_large", "an endless reason phrase", (socket) => flood(started(socket, "HTTP/1.1 200 "), "a".repeat(4_096))],
    ["too_large", "endless empty lines", (socket) => flood(socket, "\r\n".repeat(4_096))],
    ["too_large", "an eleventh interim answer", (socket) => socket.write("HTTP/1.1 102 X\r\n\r\n".repeat(11) + OK)],
    ["reset", "something that is not HTTP", (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")],
    ["reset", "HTTP/2", (socket) => socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))],
    [
      "reset",
      "two lengths",
      (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    ],
    [
      "reset",
      "a switch of protocols",
      (socket) => socket.write("HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    ],
    ["reset", "a reset after the request", (socket) => socket.resetAndDestroy()],
    ["reset", "a close after the request", (socket) => socket.end()],
    ["reset", "a close in the middle of the headers", (socket) => socket.end("HTTP/1.1 200 OK\r\nx: y\r\n")],
    [
      "reset",
      "a reset in the middle of the headers",
      (socket) => socket.write("HTTP/1.1 200 OK\r\nx", () => socket.resetAndDestroy()),
    ],
  ])("%s: %s", async (errorClass, _name, answer) => {
    const { result, requests } = await answerTo(answer);
    expect(failure(result)).toMatchObject({ errorClass, requestMayHaveArrived: true, redone: false });
    expect(failure(result).timing.durationMs).toBeLessThan(2_000);
    expect(requests).toHaveLength(1);
  });

  it("too_large: headers beyond the limit that was set", async () => {
    const answer = (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(1_000)}\r\n\r\n`);
    const { result } = await answerTo(answer, 5_000, { responseHeaderBytesMax: 1_000 });
    expect(failure(result).errorClass).toBe("too_large");
  });

  it("reset: a close before the request", async () => {
    await using receiver = await startReceiver({ onConnection: (socket) => socket.resetAndDestroy() });
    await using client = startClient();
    const result = await client.postTo(`http://127.0.0.1:${receiver.port}/`);
    expect(failure(result)).toMatchObject({ errorClass: "reset", redone: false });
  });
});

describe("the deadline", () => {
  it.each<readonly [string, (socket: Socket) => void]>([
    ["the receiver had not answered", () => {}],
    ["the receiver had not answered", (socket) => drip(socket, "\r\n", 20)],
    [
      "the receiver had not finished its response headers",
      (socket) => drip(started(socket, "HTTP/1.1 200 OK\r\nx: "), "a", 20),
    ],
  ])("ends an attempt when %s", async (waitedFor, answer) => {
    for (const deadlineMs of [200, 700]) {
      // A timer on the same event loop tells how late the machine was.
      const startMs = performance.now();
      const timerMs = sleep(deadlineMs).then(() => performance.now() - startMs);
      const result = failure((await answerTo(answer, deadlineMs)).result);
      expect(result).toMatchObject({ errorClass: "timeout", requestMayHaveArrived: true });
      expect(result.message).toBe(`timed out after ${deadlineMs} ms: ${waitedFor}`);
      expect(result.timing.durationMs).toBeGreaterThanOrEqual(deadlineMs);
      expect(result.timing.durationMs - (await timerMs)).toBeLessThan(100);
    }
  });
});
