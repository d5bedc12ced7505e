import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { event, eventId, orgId, webhookId } from "./core/matcher.fixture.ts";
import { TestEngine } from "./engine.fixture.ts";

const ROUNDS = 300;

describe("two matchers", () => {
  let engine: TestEngine;
  const matchers = new AsyncDisposableStack();
  beforeAll(async () => {
    engine = await TestEngine.start();
    matchers.use(await engine.startMatcher());
    matchers.use(await engine.startMatcher());
  });
  afterAll(async () => {
    await matchers.disposeAsync();
    await engine[Symbol.asyncDispose]();
  });

  const typeOf = (round: number) => `round.${round}`;

  it("both know a webhook when its creation has returned: 300 times created, published at once, matched", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await engine.writeWebhook({ id: webhookId(round), patterns: [typeOf(round)] });
      await engine.publish([event({ id: eventId(round), type: typeOf(round) })]);
    }
    await waitUntil(() => engine.items.length >= ROUNDS, {
      describe: () => `${ROUNDS} items, not ${engine.items.length}`,
    });
    const pairs = engine.items.map(({ item }) => `${item.eventId} ${item.webhookId}`);
    const expected = Array.from({ length: ROUNDS }, (_, round) => `${eventId(round)} ${webhookId(round)}`);
    expect(pairs.sort()).toEqual(expected.sort());
  });

  it("both have forgotten a webhook when its deletion has returned: 300 times deleted, published at once, unmatched", async () => {
    const before = engine.items.length;
    for (let round = 0; round < ROUNDS; round += 1) {
      await engine.deleteWebhook(orgId(1), webhookId(round), 2);
      await engine.publish([event({ id: eventId(ROUNDS + round), type: typeOf(round) })]);
    }
    const unmatched = () => engine.log.filter((line) => line.event.kind === "event.unmatched");
    await waitUntil(() => unmatched().length >= ROUNDS, {
      describe: () => `${ROUNDS} unmatched, not ${unmatched().length}`,
    });
    expect(engine.items.length).toBe(before);
  });
});
