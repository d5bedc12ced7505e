import { Publisher, writeSentinel } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  openTestBus,
  ROOT_KEY,
  startReadyIngest,
  startTestIngest,
  type TestBus,
  type TestIngest,
} from "./ingest.fixture.ts";

const EVENT = { type: "a", data: 1 };

describe("keys and organisations", () => {
  let bus: TestBus;
  let ingest: TestIngest;
  beforeAll(async () => {
    bus = await openTestBus();
    ingest = await startReadyIngest(bus.nats.url);
  });
  afterAll(async () => {
    await ingest[Symbol.asyncDispose]();
    await bus[Symbol.asyncDispose]();
  });

  it("work as soon as their creation has returned, 300 times", async () => {
    for (let round = 0; round < 300; round += 1) {
      const org = await bus.createOrganisation();
      if (round % 2 === 0) expect((await ingest.publish(org, EVENT)).status).toBe(202);
      const { key } = await bus.createKey(org);
      expect((await ingest.publish(org, EVENT, { authorization: `Bearer ${key}` })).status).toBe(202);
    }
  });

  it("do not work within a second after their revocation has returned", async () => {
    const org = await bus.createOrganisation();
    const key = await bus.createKey(org);
    const publish = () => ingest.publish(org, EVENT, { authorization: `Bearer ${key.key}` });
    expect((await publish()).status).toBe(202);
    await bus.revoke(org, key);
    const revokedAt = performance.now();
    await waitUntil(async () => (await publish()).status === 401, { describe: "the key to stop working" });
    expect(performance.now() - revokedAt).toBeLessThan(1_000);
  });
});

describe("without a complete configuration", () => {
  it("nobody is let in and nobody is turned away, until the sentinel is there", async () => {
    await using bus = await openTestBus({ sentinel: false });
    const org = await bus.createOrganisation();
    await using ingest = await startTestIngest(bus.nats.url);
    for (const key of [ROOT_KEY, "unknown"]) {
      const answer = await ingest.publish(org, EVENT, { authorization: `Bearer ${key}` });
      expect(answer).toMatchObject({
        status: 503,
        body: { type: "urn:posthorn:problem:configuration_incomplete" },
      });
    }
    expect((await ingest.get("/readyz")).body).toMatchObject({ status: "degraded" });
    using publisher = new Publisher(bus.connection);
    await writeSentinel(bus.connection, publisher);
    await waitUntil(async () => (await ingest.get("/readyz")).status === 200, { describe: "ingest to be ready" });
    expect((await ingest.publish(org, EVENT)).status).toBe(202);
  });
});
