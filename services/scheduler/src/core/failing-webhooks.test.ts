import type { OrgId, WebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { disabling, type FailingWebhook } from "./failing-webhooks.ts";
import type { KnownWebhook } from "./lane-mode.ts";

const HOUR_MS = 3_600_000;
const AFTER_MS = 120 * HOUR_MS;
const NOW_MS = 1_750_000_000_000;

const failing: FailingWebhook = {
  orgId: "o" as OrgId,
  webhookId: "w" as WebhookId,
  failingSinceMs: NOW_MS - AFTER_MS,
  lastAttemptAtMs: NOW_MS - HOUR_MS,
  consecutiveFailures: 9,
  disabledVersion: undefined,
};
const known = (version: number, isActive = true): KnownWebhook => ({
  kind: "present",
  webhook: { isActive, disabledByEngine: false, rateLimit: undefined, ordered: false, version },
});
const decide = (webhook: FailingWebhook, configuration = known(3), enabledAtMs = 0) =>
  disabling(webhook, configuration, enabledAtMs, AFTER_MS, NOW_MS);

describe("disabling", () => {
  it("takes a webhook out of service that has only failed for the whole time, in the version that is judged", () => {
    expect(decide(failing)).toEqual({
      kind: "webhook.disabled",
      orgId: "o",
      webhookId: "w",
      atMs: NOW_MS,
      reason: "failing",
      configVersion: 3,
    });
  });

  it.each([
    ["has failed for less", { failingSinceMs: NOW_MS - AFTER_MS + 1 }],
    ["was not tried in that time", { lastAttemptAtMs: NOW_MS - AFTER_MS }],
    ["failed a single time", { consecutiveFailures: 1 }],
    ["was asked to be disabled as it is", { disabledVersion: 3 }],
  ])("leaves one alone that %s", (_title, change) => {
    expect(decide({ ...failing, ...change })).toBe(undefined);
  });

  it("leaves alone what is paused, deleted or not known", () => {
    expect(decide(failing, known(3, false))).toBe(undefined);
    expect(decide(failing, { kind: "deleted" })).toBe(undefined);
    expect(decide(failing, { kind: "unknown" })).toBe(undefined);
  });

  it("gives one that was put back into service its whole time again", () => {
    const backAgain = { ...failing, disabledVersion: 2 };
    expect(decide(backAgain, known(3), NOW_MS - AFTER_MS + 1)).toBe(undefined);
    expect(decide(backAgain, known(3), NOW_MS - AFTER_MS)).toMatchObject({ configVersion: 3 });
  });
});
