import type { Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { failure, response, startClient } from "./egress-client.fixture.ts";
import { OK, startReceiver } from "./receiver.fixture.ts";

describe("a reused socket that turns out to be closed", () => {
  /** Answers the first request of each socket and hands the others to `onReuse`. */
  function startReusable(onReuse: (socket: Socket) => void) {
    return startReceiver({
      onRequest: (socket, ordinal) => {
        if (ordinal === 1) socket.write(OK);
        else onReuse(socket);
      },
    });
  }

  it.each([
    ["closed", (socket: Socket) => socket.end()],
    ["reset", (socket: Socket) => socket.resetAndDestroy()],
  ])("has its request redone once on a fresh one (%s)", async (_name, end) => {
    await using receiver = await startReusable(end);
    await using client = startClient();
    const url = `http://127.0.0.1:${receiver.port}/`;
    expect(response(await client.postTo(url))).toMatchObject({ status: 200, redone: false });
    expect(response(await client.postTo(url))).toMatchObject({ status: 200, redone: true });
    expect(receiver.sockets).toHaveLength(2);
    expect(receiver.requests).toHaveLength(3);
  });

  it("does not have it redone twice", async () => {
    let isBroken = false;
    await using receiver = await startReceiver({
      onRequest: (socket) => (isBroken ? socket.resetAndDestroy() : socket.write(OK)),
    });
    await using client = startClient();
    const url = `http://127.0.0.1:${receiver.port}/`;
    await client.postTo(url);
    isBroken = true;
    const result = failure(await client.postTo(url));
    expect(result).toMatchObject({ errorClass: "reset", redone: true, requestMayHaveArrived: true });
    expect(receiver.requests).toHaveLength(3);
  });

  it("does not have it redone when part of an answer came", async () => {
    await using receiver = await startReusable((socket) => socket.end("HTTP/1.1 2"));
    await using client = startClient();
    const url = `http://127.0.0.1:${receiver.port}/`;
    await client.postTo(url);
    expect(failure(await client.postTo(url))).toMatchObject({ errorClass: "reset", redone: false });
    expect(receiver.requests).toHaveLength(2);
  });

  it("does not have it redone when the receiver had time to act on it", async () => {
    await using receiver = await startReusable((socket) => setTimeout(() => socket.resetAndDestroy(), 150));
    await using client = startClient({ limits: { keepAliveRaceMsMax: 100 } });
    const url = `http://127.0.0.1:${receiver.port}/`;
    await client.postTo(url);
    expect(failure(await client.postTo(url))).toMatchObject({ errorClass: "reset", redone: false });
    expect(receiver.requests).toHaveLength(2);
  });

  it("has it redone within the same deadline", async () => {
    let sockets = 0;
    await using receiver = await startReceiver({
      onConnection: () => {
        sockets += 1;
      },
      onRequest: (socket, ordinal) => {
        if (ordinal === 2) setTimeout(() => socket.end(), 400);
        else if (sockets === 1) socket.write(OK);
      },
    });
    await using client = startClient();
    const url = `http://127.0.0.1:${receiver.port}/`;
    await client.postTo(url);
    const result = failure(await client.postTo(url, { deadlineMs: 600 }));
    expect(result).toMatchObject({ errorClass: "timeout", redone: true });
    expect(result.timing.durationMs).toBeLessThan(950);
  });

  it("does not have it redone when the socket is a fresh one in its place", async () => {
    // The second request is handed the connection while its socket closes, so that it opens another.
    await using receiver = await startReceiver({
      onRequest: (socket) => {
        if (receiver.requests.length > 1) socket.resetAndDestroy();
        else socket.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      },
    });
    await using client = startClient({ limits: { connectionsPerOriginMax: 1 } });
    const url = `http://127.0.0.1:${receiver.port}/`;
    const [first, second] = await Promise.all([client.postTo(url), client.postTo(url)]);
    expect(response(first).status).toBe(200);
    expect(failure(second)).toMatchObject({ errorClass: "reset", redone: false });
    expect(failure(second).timing.connectMs).toBeGreaterThan(0);
    expect(receiver.requests).toHaveLength(2);
  });

  it("is not used when the close came first", async () => {
    await using receiver = await startReceiver();
    await using client = startClient();
    const url = `http://127.0.0.1:${receiver.port}/`;
    for (let round = 0; round < 5; round++) {
      expect(response(await client.postTo(url))).toMatchObject({ status: 200, redone: false });
      receiver.sockets.at(-1)?.end();
      await vi.waitUntil(() => client.stats().connections === 0);
    }
    expect(receiver.requests).toHaveLength(5);
  });
});
