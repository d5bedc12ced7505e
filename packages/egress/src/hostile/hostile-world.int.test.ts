/** One table of all that the outside may throw at the guard, and what has to become of it. */

import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { TEST_CA } from "../client/certificates.fixture.ts";
import { failure, LOOPBACK, response, startClient } from "../client/egress-client.fixture.ts";
import type { PostResult } from "../client/post-result.ts";
import { closedPort, OK, policyAllowing, startReceiver, targetUrl } from "../client/receiver.fixture.ts";
import { startNameServer } from "../dns/name-server.fixture.ts";
import { createResolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { checkTarget } from "../target/check-target.ts";
import { NOT_PUBLIC, parseTargetUrl } from "../target/target-url.ts";
import { HOSTILE_NAMES } from "./hostile-names.fixture.ts";
import { HOSTILE_RECEIVERS } from "./hostile-receivers.fixture.ts";
import { HOSTILE_TLS } from "./hostile-tls.fixture.ts";
import { INTERNAL_HOSTS, MALICIOUS_URLS } from "./hostile-urls.fixture.ts";

const STRICT: EgressPolicy = { allowHttp: false, allowedTargets: [] };
/** Under which a webhook may have been made before the operator came to his senses. */
const CARELESS = policyAllowing("0.0.0.0/0,::/0");
const CASES_MIN = 120;
const LOOKUP_TIMEOUT_MS = 300;
const DEADLINE_MS = 600;
/** What a busy machine may add to a deadline. */
const SLACK_MS = 1_000;
/** Nothing goes out for what is blocked, so nothing but the machine itself takes time. */
const BLOCKED_MS_MAX = 100;

it("has enough of them", () => {
  const tables = [MALICIOUS_URLS, INTERNAL_HOSTS, HOSTILE_NAMES, HOSTILE_RECEIVERS, HOSTILE_TLS];
  expect(tables.reduce((sum, table) => sum + table.length, 0)).toBeGreaterThanOrEqual(CASES_MIN);
});

describe("a malicious URL", () => {
  it.each(MALICIOUS_URLS)("%j is refused: %s", (url, code) => {
    expect(parseTargetUrl(url, STRICT)).toMatchObject({ kind: "refused", code });
  });
});

describe("an internal host", () => {
  it.each(INTERNAL_HOSTS)("%s is refused at creation", (host) => {
    expect(parseTargetUrl(`https://${host}/`, STRICT)).toEqual(NOT_PUBLIC);
  });

  it.each(INTERNAL_HOSTS)("%s is blocked at delivery, at once and without a word about it", async (host) => {
    await using receiver = await startReceiver();
    await using client = startClient({
      policy: STRICT,
      resolver: { resolve: () => expect.fail("a name was asked for") },
    });
    for (const port of [receiver.port, await closedPort()]) {
      const url = targetUrl(`https://${host}:${port}/`, CARELESS);
      const result = failure(await client.postTo(url));
      expect(result).toMatchObject({
        errorClass: "blocked",
        message: NOT_PUBLIC.message,
        requestMayHaveArrived: false,
      });
      expect(result.timing.durationMs).toBeLessThan(BLOCKED_MS_MAX);
    }
    expect(receiver.sockets).toHaveLength(0);
  });
});

describe("a name with hostile name servers", () => {
  const HOST = "hooks.example.com";

  it.each(HOSTILE_NAMES)("$what: $check at creation, $errorClass at delivery", async ({ host, check, errorClass }) => {
    await using names = await startNameServer(host === undefined ? {} : { [HOST]: host });
    using resolver = createResolver({ servers: [names.server], timeoutMs: LOOKUP_TIMEOUT_MS });
    await using client = startClient({ policy: STRICT, resolver });
    const url = targetUrl(`https://${HOST}/`, STRICT);
    expect(await checkTarget(url, STRICT, resolver)).toMatchObject({ kind: check });
    const result = failure(await client.postTo(url, { deadlineMs: 5_000 }));
    expect(result).toMatchObject({ errorClass, requestMayHaveArrived: false });
    expect(result.timing.durationMs).toBeLessThan(2_500);
    if (errorClass === "blocked") expect(result.message).toBe(NOT_PUBLIC.message);
  });
});

describe("a name that is rebound", () => {
  const GOOD = "127.0.0.2";
  const EVIL = "127.0.0.3";
  const ONLY_GOOD = policyAllowing(`${GOOD}/32`);

  /** Two receivers on one port, and a name that leads to what `answers` says for its n-th look-up. */
  async function startRebinding(answers: (ordinal: number) => readonly string[], onRequest?: (socket: Socket) => void) {
    await using stack = new AsyncDisposableStack();
    const zone = { "hooks.test": (ordinal: number) => ({ a: answers(ordinal), ttlS: 0 }) };
    const names = stack.use(await startNameServer(zone));
    const good = stack.use(await startReceiver({ address: GOOD, ...(onRequest === undefined ? {} : { onRequest }) }));
    const evil = stack.use(await startReceiver({ address: EVIL, port: good.port }));
    let nowMs = 0;
    const resolver = stack.use(createResolver({ servers: [names.server], nowMs: () => nowMs }));
    const client = stack.use(startClient({ policy: ONLY_GOOD, resolver }));
    const url = targetUrl(`http://hooks.test:${good.port}/`, ONLY_GOOD);
    const owned = stack.move();
    return {
      names,
      good,
      evil,
      check: () => checkTarget(url, ONLY_GOOD, resolver),
      post: () => client.postTo(url),
      forgetAnswers: () => {
        nowMs += 60_000;
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }

  it("between creation and delivery is blocked", async () => {
    await using world = await startRebinding((ordinal) => [ordinal === 1 ? GOOD : EVIL]);
    expect(await world.check()).toEqual({ kind: "ok" });
    world.forgetAnswers();
    expect(failure(await world.post())).toMatchObject({ errorClass: "blocked", message: NOT_PUBLIC.message });
    expect(world.good.sockets).toHaveLength(0);
    expect(world.evil.sockets).toHaveLength(0);
  });

  it("between the check and the connection reaches the checked address: there is one look-up only", async () => {
    await using world = await startRebinding((ordinal) => [ordinal === 1 ? GOOD : EVIL]);
    expect(response(await world.post()).status).toBe(200);
    expect(world.names.asked.filter((each) => each === "A hooks.test")).toHaveLength(1);
    expect(world.good.requests).toHaveLength(1);
    expect(world.evil.sockets).toHaveLength(0);
  });

  it("between two sockets is blocked at the second", async () => {
    const closing = (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    await using world = await startRebinding((ordinal) => [ordinal === 1 ? GOOD : EVIL], closing);
    expect(response(await world.post()).status).toBe(200);
    world.forgetAnswers();
    expect(failure(await world.post())).toMatchObject({ errorClass: "blocked" });
    expect(world.evil.sockets).toHaveLength(0);
  });

  it("while its request is redone on a fresh socket is blocked", async () => {
    let requests = 0;
    await using world = await startRebinding(
      (ordinal) => [ordinal === 1 ? GOOD : EVIL],
      (socket) => (requests++ === 0 ? socket.write(OK) : socket.resetAndDestroy()),
    );
    expect(response(await world.post()).status).toBe(200);
    world.forgetAnswers();
    expect(failure(await world.post())).toMatchObject({ errorClass: "blocked", redone: true });
    expect(world.evil.sockets).toHaveLength(0);
  });

  it("to both at once is blocked, however often it is asked", async () => {
    await using world = await startRebinding((ordinal) => (ordinal % 2 === 0 ? [GOOD, EVIL] : [EVIL, GOOD]));
    expect(await world.check()).toEqual(NOT_PUBLIC);
    world.forgetAnswers();
    expect(failure(await world.post())).toMatchObject({ errorClass: "blocked" });
    expect(world.good.sockets).toHaveLength(0);
  });

  it("and back again is delivered to again", async () => {
    await using world = await startRebinding((ordinal) => [ordinal === 1 ? EVIL : GOOD]);
    expect(failure(await world.post())).toMatchObject({ errorClass: "blocked" });
    world.forgetAnswers();
    expect(response(await world.post()).status).toBe(200);
  });
});

describe("a receiver that does its worst", () => {
  /** The answer's status and how its body ended, or the class of the failure. */
  function outcomeOf(result: PostResult): string {
    switch (result.kind) {
      case "response":
        return `${result.status} ${result.bodyEnd}`;
      case "failed":
        return result.errorClass;
      case "aborted":
        return result.kind;
    }
  }

  it.each(HOSTILE_RECEIVERS)("%s: %s", async (_what, outcome, behaviour) => {
    await using receiver = await startReceiver(behaviour);
    await using healthy = await startReceiver();
    await using client = startClient({ limits: { connectionsPerOriginMax: 1 } });
    const url = targetUrl(`http://127.0.0.1:${receiver.port}/`, LOOPBACK);
    const result = await client.postTo(url, { deadlineMs: DEADLINE_MS });
    expect(outcomeOf(result)).toBe(outcome);
    expect(result.timing.durationMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    if (/timeout|deadline/.test(outcome)) expect(result.timing.durationMs).toBeGreaterThanOrEqual(DEADLINE_MS);
    expect(receiver.requests.length).toBeLessThanOrEqual(1);
    if (result.kind === "response") expect(result.body.length).toBeLessThanOrEqual(10_240);
    // Neither its place nor its socket nor what was left in it reaches anybody else.
    expect(client.tryReserve(url, "another")).toBeDefined();
    expect(response(await client.postTo(`http://127.0.0.1:${healthy.port}/`)).status).toBe(200);
    if (!outcome.endsWith("complete")) expect(client.stats()).toMatchObject({ origins: 1, connections: 1, idle: 1 });
  });

  it.each(HOSTILE_TLS)("in its TLS: $what", async ({ behaviour, host = "receiver.test", errorClass, message }) => {
    await using receiver = await startReceiver(behaviour);
    await using client = startClient({ ca: [TEST_CA], limits: { connectTimeoutMs: DEADLINE_MS } });
    const result = failure(await client.postTo(`https://${host}:${receiver.port}/`));
    expect(result).toMatchObject({ errorClass });
    expect(result.message).toContain(message);
    expect(result.timing.durationMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    expect(client.stats()).toMatchObject({ origins: 0, connections: 0 });
  });
});
