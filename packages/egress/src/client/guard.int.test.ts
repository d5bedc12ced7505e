import { describe, expect, it } from "vitest";
import { checkTarget } from "../target/check-target.ts";
import { failure, LOOPBACK, response, startClient } from "./egress-client.fixture.ts";
import { policyAllowing, type Receiver, resolverOf, startReceiver, targetUrl } from "./receiver.fixture.ts";

const ONLY_HERE = policyAllowing("127.0.0.1/32");
const NOWHERE = policyAllowing("");

/** Resolves to the first answer once, to the second one ever after. */
function rebinding(first: readonly string[], second: readonly string[]) {
  let answers = 0;
  return resolverOf(() => (answers++ === 0 ? first : second));
}

function expectUntouched(receiver: Receiver): void {
  expect(receiver.sockets).toHaveLength(0);
}

describe("the guard blocks", () => {
  it.each([
    ["http://127.0.0.1", NOWHERE],
    ["http://127.0.0.1", policyAllowing("127.0.0.2/32")],
    ["http://[::ffff:127.0.0.1]", NOWHERE],
    ["http://[::ffff:7f00:1]", NOWHERE],
    ["http://0x7f.1", NOWHERE],
    ["http://localhost", NOWHERE],
    ["http://localhost", policyAllowing("::1/128")],
    ["http://hooks.test", NOWHERE],
    ["https://hooks.test", NOWHERE],
  ])("%s without connecting", async (origin, policy) => {
    await using receiver = await startReceiver();
    await using client = startClient({ policy });
    const result = failure(await client.postTo(`${origin}:${receiver.port}/`));
    expect(result).toMatchObject({
      errorClass: "blocked",
      message: "url must point to a host on the public internet",
      requestMayHaveArrived: false,
    });
    expectUntouched(receiver);
  });

  it.each([
    ["an internal one among public ones", ["1.1.1.1", "10.0.0.1"]],
    ["an internal one among allowed ones", ["127.0.0.1", "127.0.0.2"]],
    ["a NAT64 one", ["127.0.0.1", "64:ff9b::7f00:1"]],
    ["something that is no address", ["127.0.0.1", "127.1"]],
  ])("a name with %s", async (_name, addresses) => {
    await using receiver = await startReceiver();
    await using client = startClient({ policy: ONLY_HERE, resolver: resolverOf(() => addresses) });
    const result = await client.postTo(`http://hooks.test:${receiver.port}/`);
    expect(failure(result)).toMatchObject({ errorClass: "blocked" });
    expectUntouched(receiver);
  });

  it("a name that was rebound between its creation and its delivery", async () => {
    await using receiver = await startReceiver();
    const resolver = rebinding(["127.0.0.1"], ["127.0.0.2"]);
    await using client = startClient({ policy: ONLY_HERE, resolver });
    const text = `http://hooks.test:${receiver.port}/`;
    expect(await checkTarget(targetUrl(text, ONLY_HERE), ONLY_HERE, resolver)).toEqual({ kind: "ok" });
    expect(failure(await client.postTo(text))).toMatchObject({ errorClass: "blocked" });
    expectUntouched(receiver);
  });

  it("a name that was rebound between two sockets", async () => {
    await using receiver = await startReceiver({
      onRequest: (socket) => socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
    });
    await using client = startClient({ policy: ONLY_HERE, resolver: rebinding(["127.0.0.1"], ["127.0.0.2"]) });
    const url = `http://hooks.test:${receiver.port}/`;
    expect(response(await client.postTo(url))).toMatchObject({ status: 200 });
    expect(failure(await client.postTo(url))).toMatchObject({ errorClass: "blocked" });
    expect(receiver.requests).toHaveLength(1);
  });

  it("a name at a public address of this machine", async () => {
    const resolver = resolverOf(() => ["1.1.1.1"]);
    await using client = startClient({ policy: NOWHERE, resolver, isOwnAddress: (address) => address === "1.1.1.1" });
    expect(failure(await client.postTo("http://hooks.test/"))).toMatchObject({ errorClass: "blocked" });
  });

  it("a socket whose other end is not the address that was checked", async () => {
    // Linux connects 0.0.0.0 to the loopback interface: the address that was allowed is not the one that answers.
    await using receiver = await startReceiver();
    await using client = startClient({ policy: policyAllowing("0.0.0.0/32") });
    const result = await client.postTo(`http://127.0.0.1:${receiver.port}/`, {
      url: targetUrl(`http://0.0.0.0:${receiver.port}/`, policyAllowing("0.0.0.0/32")),
    });
    expect(failure(result)).toMatchObject({ errorClass: "blocked" });
    expect(receiver.requests).toHaveLength(0);
  });
});

describe("the guard lets through", () => {
  it.each([
    ["http://127.0.0.1", ONLY_HERE],
    ["http://[::ffff:127.0.0.1]", ONLY_HERE],
    ["http://hooks.test", ONLY_HERE],
    ["http://hooks.internal", ONLY_HERE],
    ["http://hooks", ONLY_HERE],
    ["http://hooks.test.", ONLY_HERE],
  ])("%s where its addresses are allowed", async (origin, policy) => {
    await using receiver = await startReceiver();
    await using client = startClient({ policy });
    const url = targetUrl(`${origin}:${receiver.port}/`, LOOPBACK);
    expect(response(await client.postTo(url.href))).toMatchObject({ status: 200 });
  });

  it("resolves a name once per socket and connects to nothing but that answer", async () => {
    await using receiver = await startReceiver();
    const asked: string[] = [];
    const resolver = resolverOf((name) => {
      asked.push(name);
      return asked.length === 1 ? ["127.0.0.1"] : ["127.0.0.2"];
    });
    await using client = startClient({ policy: ONLY_HERE, resolver });
    for (let round = 0; round < 3; round++) await client.postTo(`http://hooks.test:${receiver.port}/`);
    expect(asked).toEqual(["hooks.test"]);
    expect(receiver.sockets.map((socket) => socket.localAddress)).toEqual(["127.0.0.1"]);
  });

  it("tries the next address when one refuses", async () => {
    await using receiver = await startReceiver();
    await using client = startClient({ resolver: resolverOf(() => ["127.0.0.9", "127.0.0.1"]) });
    expect(response(await client.postTo(`http://hooks.test:${receiver.port}/`))).toMatchObject({ status: 200 });
  });
});
