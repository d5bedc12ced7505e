import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { EgressProxy } from "../egress-proxy.ts";
import { NOT_PUBLIC } from "../target/target-url.ts";
import { RECEIVER_CERTIFICATE, RECEIVER_KEY, TEST_CA } from "./certificates.fixture.ts";
import { failure, LOOPBACK, response, startClient } from "./egress-client.fixture.ts";
import { closedPort, policyAllowing, resolverOf, startReceiver, targetUrl } from "./receiver.fixture.ts";

/** Refuses with the status line, or connects to what it is asked for. */
async function startProxy(refusal?: string) {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    sockets.push(client.on("error", () => {}));
    client.once("data", (head) => {
      requests.push(head.toString("latin1"));
      const [, host, port] = /^CONNECT ([\d.]+):(\d+) HTTP/.exec(head.toString("latin1")) ?? [];
      if (refusal !== undefined || host === undefined) {
        client.end(`HTTP/1.1 ${refusal ?? "400 X"}\r\n\r\n`);
        return;
      }
      const upstream = connect(Number(port), host, () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
      sockets.push(upstream.on("error", () => client.destroy()));
      client.pipe(upstream).pipe(client);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: EgressProxy = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorization: "Basic dTpw",
  };
  return {
    proxy,
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("the egress proxy", () => {
  it("is asked for the address that was checked, and the receiver for the name", async () => {
    await using egress = await startProxy();
    await using receiver = await startReceiver();
    await using client = startClient({ proxy: egress.proxy });
    const url = `http://hooks.test:${receiver.port}/`;
    for (let round = 0; round < 2; round++) expect(response(await client.postTo(url)).status).toBe(200);
    expect(egress.requests).toHaveLength(1);
    expect(egress.requests[0]).toContain(`CONNECT 127.0.0.1:${receiver.port} HTTP/1.1\r\n`);
    expect(egress.requests[0]).toContain("proxy-authorization: Basic dTpw\r\n");
    expect(receiver.requests[0]).toContain(`host: hooks.test:${receiver.port}\r\n`);
    expect(receiver.requests[0]).not.toContain("proxy-");
  });

  it("sees nothing of what TLS protects", async () => {
    await using egress = await startProxy();
    await using receiver = await startReceiver({ tls: { key: RECEIVER_KEY, cert: RECEIVER_CERTIFICATE } });
    await using client = startClient({ proxy: egress.proxy, ca: [TEST_CA] });
    expect(response(await client.postTo(`https://receiver.test:${receiver.port}/`)).status).toBe(200);
    expect(failure(await client.postTo(`https://other.test:${receiver.port}/`))).toMatchObject({
      errorClass: "tls",
      message: "the certificate is for another host name",
    });
  });

  it("is not asked for what the guard blocks", async () => {
    await using egress = await startProxy();
    const resolver = resolverOf(() => ["1.1.1.1", "10.0.0.1"]);
    await using client = startClient({ proxy: egress.proxy, policy: policyAllowing(""), resolver });
    for (const text of ["http://127.0.0.1/", "http://hooks.test/"]) {
      const result = failure(await client.postTo(targetUrl(text, LOOPBACK)));
      expect(result).toMatchObject({ errorClass: "blocked", message: NOT_PUBLIC.message });
    }
    expect(egress.requests).toHaveLength(0);
  });

  it.each(["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway"])(
    "that answers %s makes the attempt fail as connect",
    async (status) => {
      await using egress = await startProxy(status);
      await using client = startClient({ proxy: egress.proxy });
      expect(failure(await client.postTo("http://127.0.0.1:1/"))).toMatchObject({
        errorClass: "connect",
        message: `the egress proxy did not connect to the receiver (${status.slice(0, 3)})`,
        requestMayHaveArrived: false,
      });
      expect(client.stats().connections).toBe(0);
    },
  );

  it("that is down makes the attempt fail as connect", async () => {
    const origin = `http://127.0.0.1:${await closedPort()}`;
    await using client = startClient({ proxy: { origin, authorization: undefined } });
    expect(failure(await client.postTo("http://127.0.0.1:1/"))).toMatchObject({
      errorClass: "connect",
      message: "the egress proxy did not connect to the receiver (ECONNREFUSED)",
    });
  });

  it("that is silent is given up in time", async () => {
    await using never = await startReceiver({ onRequest: () => {} });
    const stuck: EgressProxy = { origin: `http://127.0.0.1:${never.port}`, authorization: undefined };
    await using client = startClient({ proxy: stuck, limits: { connectTimeoutMs: 100 } });
    const result = failure(await client.postTo("http://127.0.0.1:1/"));
    expect(result.message).toBe("the egress proxy did not connect to the receiver (ETIMEDOUT)");
    await vi.waitUntil(() => never.sockets.every((socket) => socket.destroyed));
  });

  it("is nothing that the environment could set", async () => {
    await using evil = await startReceiver();
    for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]) {
      vi.stubEnv(name, `http://127.0.0.1:${evil.port}`);
    }
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    onTestFinished(() => void vi.unstubAllEnvs());
    await using receiver = await startReceiver();
    await using secure = await startReceiver({ tls: { key: RECEIVER_KEY, cert: RECEIVER_CERTIFICATE } });
    await using client = startClient({ ca: [TEST_CA] });
    expect(response(await client.postTo(`http://hooks.test:${receiver.port}/`)).status).toBe(200);
    expect(response(await client.postTo(`https://receiver.test:${secure.port}/`)).status).toBe(200);
    expect(evil.sockets).toHaveLength(0);
  });
});
