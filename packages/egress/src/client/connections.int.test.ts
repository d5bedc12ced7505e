import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { failure, LOOPBACK, response, startClient } from "./egress-client.fixture.ts";
import type { PostResult } from "./post-result.ts";
import { OK, resolverOf, startReceiver, targetUrl } from "./receiver.fixture.ts";

/** Answers only when told to. */
function holdingReceiver() {
  const held: Socket[] = [];
  return {
    held,
    start: () => startReceiver({ onRequest: (socket) => void held.push(socket) }),
    /** Answers the request that has waited longest. */
    answerOne: () => held.shift()?.write(OK),
  };
}

describe("a socket", () => {
  it("is used again and again", async () => {
    await using receiver = await startReceiver();
    await using client = startClient();
    for (let round = 0; round < 20; round++) {
      const { timing } = response(await client.postTo(`http://127.0.0.1:${receiver.port}/`));
      expect(timing.connectMs === undefined).toBe(round > 0);
    }
    expect(receiver.sockets).toHaveLength(1);
    expect(client.stats()).toEqual({ origins: 1, connections: 1, idle: 1, waiting: 0 });
  });

  it("carries one request at a time", async () => {
    const { held, start } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient();
    const posts = [1, 2, 3].map(() => client.postTo(`http://127.0.0.1:${receiver.port}/`));
    await vi.waitUntil(() => held.length === 3);
    expect(receiver.sockets).toHaveLength(3);
    for (const socket of held) socket.write(OK);
    for (const post of posts) expect(response(await post).status).toBe(200);
  });

  it("is closed when it has been idle for long", async () => {
    await using receiver = await startReceiver();
    await using client = startClient({ limits: { keepAliveTimeoutMs: 100 } });
    await client.postTo(`http://127.0.0.1:${receiver.port}/`);
    await vi.waitUntil(() => client.stats().connections === 0);
    expect(client.stats().origins).toBe(0);
    await vi.waitUntil(() => receiver.sockets.every((socket) => socket.destroyed));
  });

  it("is closed when the receiver says so", async () => {
    const close = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    await using receiver = await startReceiver({ onRequest: (socket) => socket.write(close) });
    await using client = startClient();
    for (let round = 0; round < 3; round++) {
      expect(response(await client.postTo(`http://127.0.0.1:${receiver.port}/`)).redone).toBe(false);
    }
    expect(receiver.sockets).toHaveLength(3);
    await vi.waitUntil(() => client.stats().connections === 0);
  });

  it("is closed at its age, however busy it is", async () => {
    let nowMs = 0;
    await using receiver = await startReceiver();
    await using client = startClient({ limits: { connectionAgeMsMax: 1_000 }, nowMs: () => nowMs });
    const post = () => client.postTo(`http://127.0.0.1:${receiver.port}/`);
    await post();
    nowMs = 1_000;
    await post();
    expect(receiver.sockets).toHaveLength(1);
    nowMs = 1_001;
    await post();
    expect(client.stats().connections).toBe(0);
    await post();
    expect(receiver.sockets).toHaveLength(2);
  });

  it("that speaks out of turn is dropped", async () => {
    await using receiver = await startReceiver();
    await using client = startClient();
    const url = `http://127.0.0.1:${receiver.port}/`;
    await client.postTo(url);
    receiver.sockets[0]?.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged");
    await vi.waitUntil(() => client.stats().connections === 0);
    expect(Buffer.from(response(await client.postTo(url)).body).toString()).toBe("ok");
  });
});

describe("the number of sockets", () => {
  it("to one origin is bounded; what does not fit waits its turn", async () => {
    const { held, start, answerOne } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient({ limits: { connectionsPerOriginMax: 2 } });
    const order: number[] = [];
    const posts = [0, 1, 2, 3, 4].map((index) =>
      client.postTo(`http://127.0.0.1:${receiver.port}/`).then((result) => {
        order.push(index);
        return result;
      }),
    );
    await vi.waitUntil(() => held.length === 2);
    expect(client.stats()).toEqual({ origins: 1, connections: 2, idle: 0, waiting: 3 });
    for (const _post of posts) {
      await vi.waitUntil(() => held.length > 0);
      answerOne();
    }
    for (const post of posts) expect(response(await post).status).toBe(200);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(receiver.sockets).toHaveLength(2);
  });

  it("is no matter of an attempt: its deadline begins when it has a place", async () => {
    const { held, start } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient({ limits: { connectionsPerOriginMax: 1 } });
    const url = `http://127.0.0.1:${receiver.port}/`;
    const first = client.postTo(url);
    await vi.waitUntil(() => held.length === 1);
    const second = client.postTo(url, { deadlineMs: 150 });
    await sleep(300);
    expect(client.stats().waiting).toBe(1);
    held.shift()?.write(OK);
    expect(response(await first).status).toBe(200);
    const result = failure(await second);
    expect(result).toMatchObject({ errorClass: "timeout", requestMayHaveArrived: true });
    expect(result.message).toBe("timed out after 150 ms: the receiver had not answered");
    expect(result.timing.durationMs).toBeLessThan(300);
    expect(receiver.requests).toHaveLength(2);
    expect(client.stats().waiting).toBe(0);
  });

  it("is shared by the owners of an origin: one that hangs leaves room for the others", async () => {
    const { held, start } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient({ limits: { connectionsPerOriginMax: 4 } });
    const url = targetUrl(`http://127.0.0.1:${receiver.port}/`, LOOPBACK);
    const posts: Promise<PostResult>[] = [];
    for (let place = client.tryReserve(url, "hangs"); place; place = client.tryReserve(url, "hangs")) {
      posts.push(client.postTo(url, { place }));
    }
    await vi.waitUntil(() => held.length === 3);
    using other = client.tryReserve(url, "another");
    if (other === undefined) throw new Error("no place is left");
    const post = client.postTo(url, { place: other });
    await vi.waitUntil(() => held.length === 4);
    const waiting = client.reserve(url, "another");
    held.pop()?.write(OK);
    expect(response(await post).status).toBe(200);
    using next = await waiting;
    expect(next).toBeDefined();
    for (const socket of held) socket.write(OK);
    for (const each of posts) expect(response(await each).status).toBe(200);
    expect(receiver.sockets).toHaveLength(4);
  });

  it("is held by a place until its request has ended, and by none twice", async () => {
    await using receiver = await startReceiver();
    await using client = startClient({ limits: { connectionsPerOriginMax: 1 } });
    const url = targetUrl(`http://127.0.0.1:${receiver.port}/`, LOOPBACK);
    const place = await client.reserve(url, "w1");
    if (place === undefined) throw new Error("no place was given");
    expect(client.tryReserve(url, "w1")).toBeUndefined();
    expect(response(await client.postTo(url, { place })).status).toBe(200);
    await expect(client.postTo(url, { place })).rejects.toThrow("a place is good for one request");
    using _next = client.tryReserve(url, "w1");
    place[Symbol.dispose]();
    expect(client.tryReserve(url, "w1")).toBeUndefined();
  });

  it("altogether is bounded: the socket that has been idle longest makes room", async () => {
    await using receiver = await startReceiver();
    await using client = startClient({ limits: { connectionsMax: 2 } });
    for (const name of ["a", "b", "c"]) await client.postTo(`http://${name}.test:${receiver.port}/`);
    expect(client.stats()).toEqual({ origins: 2, connections: 2, idle: 2, waiting: 0 });
    for (const name of ["b", "c"]) {
      expect(response(await client.postTo(`http://${name}.test:${receiver.port}/`)).timing.connectMs).toBeUndefined();
    }
    expect(response(await client.postTo(`http://a.test:${receiver.port}/`)).timing.connectMs).toBeGreaterThan(0);
  });

  it("altogether is shared: origins that wait take turns", async () => {
    const { held, start, answerOne } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient({ limits: { connectionsMax: 2, connectionsPerOriginMax: 2 } });
    const order: string[] = [];
    const posts = ["a", "a", "a", "a", "b", "c", "b"].map((name) =>
      client.postTo(`http://${name}.test:${receiver.port}/`).then((result) => {
        order.push(name);
        expect(response(result).status).toBe(200);
      }),
    );
    for (const _post of posts) {
      await vi.waitUntil(() => held.length > 0);
      expect(client.stats().connections).toBeLessThanOrEqual(2);
      answerOne();
      await sleep(5);
    }
    await Promise.all(posts);
    expect(order.slice(0, 4).sort()).toEqual(["a", "a", "b", "c"]);
    expect(client.stats().waiting).toBe(0);
  });

  it("altogether is shared: a socket stays open when nobody waits any more", async () => {
    const { held, start, answerOne } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient({ limits: { connectionsMax: 1 } });
    const first = client.postTo(`http://a.test:${receiver.port}/`);
    await vi.waitUntil(() => held.length === 1);
    const signal = AbortSignal.timeout(50);
    expect(await client.postTo(`http://b.test:${receiver.port}/`, { signal })).toMatchObject({ kind: "aborted" });
    answerOne();
    await first;
    expect(client.stats()).toEqual({ origins: 1, connections: 1, idle: 1, waiting: 0 });
  });

  it("does not grow with the number of origins", async () => {
    await using receiver = await startReceiver();
    await using client = startClient({ limits: { connectionsMax: 50, keepAliveTimeoutMs: 200 } });
    let next = 0;
    async function postToNewOrigins(): Promise<void> {
      while (next < 2_000) {
        const result = await client.postTo(`http://host-${next++}.test:${receiver.port}/`);
        expect(response(result).status).toBe(200);
        expect(client.stats().connections).toBeLessThanOrEqual(50);
        expect(client.stats().origins).toBeLessThanOrEqual(50);
      }
    }
    await Promise.all(Array.from({ length: 20 }, postToNewOrigins));
    expect(receiver.requests).toHaveLength(2_000);
    await vi.waitUntil(() => client.stats().connections === 0, { timeout: 5_000 });
    expect(client.stats()).toEqual({ origins: 0, connections: 0, idle: 0, waiting: 0 });
  });

  it("does not grow with the number of origins that fail", async () => {
    await using client = startClient({ resolver: resolverOf(() => []) });
    for (let index = 0; index < 500; index++) {
      expect(failure(await client.postTo(`http://host-${index}.test/`)).errorClass).toBe("dns");
    }
    expect(client.stats()).toEqual({ origins: 0, connections: 0, idle: 0, waiting: 0 });
  });
});

describe("the caller", () => {
  it("may give up while the request is under way", async () => {
    const { held, start } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient();
    const controller = new AbortController();
    const post = client.postTo(`http://127.0.0.1:${receiver.port}/`, { signal: controller.signal });
    await vi.waitUntil(() => held.length === 1);
    controller.abort();
    expect(await post).toMatchObject({ kind: "aborted", requestMayHaveArrived: true });
    await vi.waitUntil(() => receiver.sockets[0]?.destroyed === true);
  });

  it("may give up before it begins, or while it waits", async () => {
    const { held, start } = holdingReceiver();
    await using receiver = await start();
    await using client = startClient({ limits: { connectionsPerOriginMax: 1 } });
    const url = `http://127.0.0.1:${receiver.port}/`;
    const begun = client.postTo(url);
    await vi.waitUntil(() => held.length === 1);
    const controller = new AbortController();
    const waiting = client.postTo(url, { signal: controller.signal });
    controller.abort();
    expect(await waiting).toMatchObject({ kind: "aborted", requestMayHaveArrived: false });
    expect(client.stats().waiting).toBe(0);
    expect(await client.postTo(url, { signal: controller.signal })).toMatchObject({ kind: "aborted" });
    held[0]?.write(OK);
    expect(response(await begun).status).toBe(200);
    expect(receiver.requests).toHaveLength(1);
  });

  it("that disposes of the client ends everything", async () => {
    const { held, start } = holdingReceiver();
    await using receiver = await start();
    const client = startClient({ limits: { connectionsPerOriginMax: 1 } });
    const url = `http://127.0.0.1:${receiver.port}/`;
    const posts = [client.postTo(url), client.postTo(url), client.postTo(`http://a.test:${receiver.port}/`)];
    await vi.waitUntil(() => held.length === 2);
    await client[Symbol.asyncDispose]();
    for (const post of posts) expect(await post).toMatchObject({ kind: "aborted" });
    expect(client.stats()).toEqual({ origins: 0, connections: 0, idle: 0, waiting: 0 });
    await expect(client.postTo(url)).rejects.toThrow("disposed");
    await vi.waitUntil(() => receiver.sockets.every((socket) => socket.destroyed));
  });
});
