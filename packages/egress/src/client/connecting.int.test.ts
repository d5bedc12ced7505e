import tls, { TLSSocket } from "node:tls";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Resolver } from "../dns/resolver.ts";
import {
  EXPIRED_CERTIFICATE,
  RECEIVER_CERTIFICATE,
  RECEIVER_KEY,
  SELF_SIGNED_CERTIFICATE,
  TEST_CA,
} from "./certificates.fixture.ts";
import { failure, response, startClient } from "./egress-client.fixture.ts";
import { closedPort, resolverOf, startReceiver } from "./receiver.fixture.ts";

const GOOD_TLS = { key: RECEIVER_KEY, cert: RECEIVER_CERTIFICATE };

describe("a connection that does not come about", () => {
  it("is dns when the name has no address", async () => {
    await using client = startClient({ resolver: resolverOf(() => []) });
    expect(failure(await client.postTo("http://nowhere.test/"))).toMatchObject({
      errorClass: "dns",
      message: "the host name does not resolve",
      requestMayHaveArrived: false,
    });
  });

  it("is connect when nothing listens", async () => {
    await using client = startClient();
    expect(failure(await client.postTo(`http://127.0.0.1:${await closedPort()}/`))).toMatchObject({
      errorClass: "connect",
      message: "the connection was refused",
      requestMayHaveArrived: false,
    });
  });

  it("is timeout when the name servers outlast the deadline", async () => {
    const silent: Resolver = { resolve: () => new Promise(() => {}) };
    await using client = startClient({ resolver: silent });
    const result = failure(await client.postTo("http://hooks.test/", { deadlineMs: 200 }));
    expect(result).toMatchObject({ errorClass: "timeout", requestMayHaveArrived: false });
    expect(result.message).toBe("timed out after 200 ms: the connection was not open yet");
    expect(result.timing.durationMs).toBeLessThan(1_000);
    expect(client.stats()).toEqual({ origins: 0, connections: 0, idle: 0, waiting: 0 });
  });

  it("is a bug, not an outcome, when the resolver throws", async () => {
    const broken: Resolver = { resolve: () => Promise.reject(new Error("broken")) };
    await using client = startClient({ resolver: broken });
    await expect(client.postTo("http://hooks.test/")).rejects.toThrow("broken");
  });
});

describe("TLS", () => {
  it("is spoken to the name of the URL at the checked address", async () => {
    await using receiver = await startReceiver({ tls: GOOD_TLS });
    await using client = startClient({ ca: [TEST_CA] });
    const result = response(await client.postTo(`https://receiver.test:${receiver.port}/`));
    expect(result).toMatchObject({ status: 200 });
    expect(result.timing.connectMs).toBeGreaterThan(0);
    expect(receiver.requests[0]).toContain(`host: receiver.test:${receiver.port}\r\n`);
  });

  it("sends no trailing dot as server name, and none at all for an address", async () => {
    const names: unknown[] = [];
    const SNICallback = (name: string, done: (error: null) => void) => {
      names.push(name);
      done(null);
    };
    await using receiver = await startReceiver({ tls: { ...GOOD_TLS, SNICallback } });
    await using client = startClient({ ca: [TEST_CA] });
    expect(response(await client.postTo(`https://receiver.test.:${receiver.port}/`)).status).toBe(200);
    expect(response(await client.postTo(`https://127.0.0.1:${receiver.port}/`)).status).toBe(200);
    expect(names).toEqual(["receiver.test"]);
  });

  it.each([
    ["a self-signed certificate", { key: RECEIVER_KEY, cert: SELF_SIGNED_CERTIFICATE }, "receiver.test", "self-signed"],
    ["an expired certificate", { key: RECEIVER_KEY, cert: EXPIRED_CERTIFICATE }, "receiver.test", "has expired"],
    ["a certificate for another name", GOOD_TLS, "other.test", "for another host name"],
  ] as const)("fails as tls with %s", async (_name, certificate, host, message) => {
    await using receiver = await startReceiver({ tls: certificate });
    await using client = startClient({ ca: [TEST_CA] });
    for (let round = 0; round < 2; round++) {
      const result = failure(await client.postTo(`https://${host}:${receiver.port}/`));
      expect(result).toMatchObject({ errorClass: "tls", requestMayHaveArrived: false });
      expect(result.message).toContain(message);
    }
    expect(receiver.requests).toHaveLength(0);
  });

  it("is refused below 1.2, whatever Node would accept", async () => {
    const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
    Object.assign(tls, { DEFAULT_MIN_VERSION: "TLSv1", DEFAULT_CIPHERS: "ALL@SECLEVEL=0" });
    onTestFinished(() => void Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS }));
    await using receiver = await startReceiver({ tls: { ...GOOD_TLS, maxVersion: "TLSv1.1" } });
    await using client = startClient({ ca: [TEST_CA] });
    const result = failure(await client.postTo(`https://receiver.test:${receiver.port}/`));
    expect(result).toMatchObject({ errorClass: "tls", message: "the receiver does not support TLS 1.2 or later" });
  });

  it("fails as tls when the authority is unknown", async () => {
    await using receiver = await startReceiver({ tls: GOOD_TLS });
    await using client = startClient();
    expect(failure(await client.postTo(`https://receiver.test:${receiver.port}/`))).toMatchObject({
      errorClass: "tls",
    });
  });

  it("does not resume a session for a name that its certificate does not have", async () => {
    await using receiver = await startReceiver({ tls: { ...GOOD_TLS, maxVersion: "TLSv1.2" } });
    await using client = startClient({ ca: [TEST_CA] });
    expect(response(await client.postTo(`https://receiver.test:${receiver.port}/`)).status).toBe(200);
    const other = failure(await client.postTo(`https://other.test:${receiver.port}/`));
    expect(other.message).toBe("the certificate is for another host name");
  });

  it("resumes the session of an earlier socket", async () => {
    const reused: boolean[] = [];
    await using receiver = await startReceiver({
      tls: GOOD_TLS,
      onConnection: (socket) => reused.push(socket instanceof TLSSocket && socket.isSessionReused()),
      onRequest: (socket) => socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
    });
    await using client = startClient({ ca: [TEST_CA] });
    for (let round = 0; round < 3; round++) await client.postTo(`https://receiver.test:${receiver.port}/`);
    expect(reused).toEqual([false, true, true]);
  });

  it("fails as tls on a port that speaks plain HTTP", async () => {
    await using receiver = await startReceiver({
      onConnection: (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
    });
    await using client = startClient();
    expect(failure(await client.postTo(`https://receiver.test:${receiver.port}/`))).toMatchObject({
      errorClass: "tls",
      message: "the receiver does not speak TLS on this port",
    });
  });

  it("fails as tls when the connection ends in the handshake", async () => {
    await using receiver = await startReceiver({
      onConnection: (socket) => socket.once("data", () => socket.resetAndDestroy()),
    });
    await using client = startClient();
    expect(failure(await client.postTo(`https://receiver.test:${receiver.port}/`))).toMatchObject({
      errorClass: "tls",
    });
  });

  it("fails as tls when the handshake takes too long, before the deadline does", async () => {
    await using receiver = await startReceiver();
    await using client = startClient({ limits: { connectTimeoutMs: 200 } });
    const result = failure(await client.postTo(`https://receiver.test:${receiver.port}/`));
    expect(result).toMatchObject({ errorClass: "tls", message: "the TLS handshake did not finish in time" });
    expect(result.timing.durationMs).toBeLessThan(2_000);
  });

  it("is given up at the deadline in the middle of the handshake, socket and all", async () => {
    await using receiver = await startReceiver();
    await using client = startClient();
    const result = failure(await client.postTo(`https://receiver.test:${receiver.port}/`, { deadlineMs: 200 }));
    expect(result).toMatchObject({ errorClass: "timeout", requestMayHaveArrived: false });
    await vi.waitUntil(() => receiver.sockets[0]?.destroyed === true);
  });

  it("fails as tls when the receiver wants a certificate from us", async () => {
    await using receiver = await startReceiver({ tls: { ...GOOD_TLS, requestCert: true, rejectUnauthorized: true } });
    await using client = startClient({ ca: [TEST_CA] });
    expect(failure(await client.postTo(`https://receiver.test:${receiver.port}/`))).toMatchObject({
      errorClass: "tls",
    });
  });
});
