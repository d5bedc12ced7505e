import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { event, eventId, orgId, webhookId } from "./core/matcher.fixture.ts";
import { TestEngine } from "./engine.fixture.ts";

const ROUNDS = 300;
/** Writers of other organisations' webhooks: enough to keep every copy of the configuration behind the bucket. */
const OTHER_WRITERS = 64;

describe("two matchers, while others change the configuration", () => {
  let engine: TestEngine;
  let isBusy = true;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    engine = stack.use(await TestEngine.start());
    stack.use(await engine.startMatcher());
    stack.use(await engine.startMatcher());
    const writers = Array.from({ length: OTHER_WRITERS }, (_, writer) => write(writer + 2));
    stack.defer(async () => {
      isBusy = false;
      await Promise.all(writers);
    });
  });
  afterAll(() => stack.disposeAsync());

  async function write(org: number): Promise<void> {
    for (let version = 1; isBusy; version += 1) {
      await engine.writeWebhook({ orgId: orgId(org), id: webhookId(1_000 + org) }, version);
    }
  }

  const typeOf = (round: number) => `round.${round}`;

  it("know a webhook when its creation has returned: 300 times created, published, matched", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await engine.writeWebhook({ id: webhookId(round), patterns: [typeOf(round)] });
      await engine.publish([event({ id: eventId(round), type: typeOf(round) })]);
    }
    await waitUntil(() => engine.log.length >= ROUNDS, {
      timeoutMs: 10_000,
      describe: () => `${ROUNDS} lines of the log, not ${engine.log.length}`,
    });
    await waitUntil(() => engine.items.length >= ROUNDS, {
      describe: () => `${ROUNDS} work items, not ${engine.items.length}`,
    });
    const pairs = engine.items.map(({ item }) => `${item.eventId} ${item.webhookId}`);
    const expected = Array.from({ length: ROUNDS }, (_, round) => `${eventId(round)} ${webhookId(round)}`);
    expect(pairs.sort()).toEqual(expected.sort());
  });

  it("have forgotten a webhook when its deletion has returned: 300 times deleted, published, unmatched", async () => {
    const before = engine.items.length;
    for (let round = 0; round < ROUNDS; round += 1) {
      await engine.deleteWebhook(orgId(1), webhookId(round), 2);
      await engine.publish([event({ id: eventId(ROUNDS + round), type: typeOf(round) })]);
    }
    const unmatched = () => engine.log.filter((line) => line.event.kind === "event.unmatched");
    await waitUntil(() => unmatched().length >= ROUNDS, {
      timeoutMs: 10_000,
      describe: () => `${ROUNDS} unmatched, not ${unmatched().length}`,
    });
    expect(engine.items.length).toBe(before);
  });
});
