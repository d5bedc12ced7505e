import { describe, expect, it } from "vitest";
import { deletePayloadRoute } from "../schemas/event.ts";
import { createWebhookRoute } from "../schemas/webhook.ts";
import { effectsOf } from "./effects.ts";

function outbox(isFlowing: boolean) {
  return { isFlowing, settled: async () => isFlowing };
}

describe("a change", () => {
  it.each([
    [
      { bucket: true, config: true, log: true },
      { configuration: true, byLog: true },
    ],
    [
      { bucket: true, config: true, log: false },
      { configuration: true, byLog: false },
    ],
    [
      { bucket: true, config: false, log: true },
      { configuration: false, byLog: false },
    ],
    [
      { bucket: false, config: true, log: true },
      { configuration: false, byLog: false },
    ],
  ])("with %j can take effect: %j", async ({ bucket, config, log }, expected) => {
    const effects = effectsOf({
      isBucketThere: () => bucket,
      configOutbox: outbox(config),
      logOutbox: outbox(log),
    });
    const canApply = {
      configuration: effects.canApply(createWebhookRoute),
      byLog: effects.canApply(deletePayloadRoute),
    };
    expect(canApply).toEqual(expected);
    if (!bucket) return;
    expect(await effects.settled(createWebhookRoute)).toBe(expected.configuration);
    expect(await effects.settled(deletePayloadRoute)).toBe(expected.byLog);
  });

  it("of configuration does not wait for its audit, which is brought on its way all the same", async () => {
    let asked = 0;
    const never = { isFlowing: true, settled: () => new Promise<boolean>(() => (asked += 1)) };
    const effects = effectsOf({ isBucketThere: () => true, configOutbox: outbox(true), logOutbox: never });
    expect(await effects.settled(createWebhookRoute)).toBe(true);
    expect(asked).toBe(1);
  });
});
