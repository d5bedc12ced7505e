import { describe, expect, it } from "vitest";
import { applySettings, DEFAULT_SETTINGS, type WebhookSettings } from "./webhook-settings.ts";

const BEFORE: WebhookSettings = {
  description: "before",
  filter: "data.x == 1",
  profile: "mutx",
  timeoutMs: 2_000,
  retryDelaysS: [1],
  rateLimit: 5,
  ordered: true,
  isActive: false,
};

describe("settings", () => {
  it("stay as they are when they are absent", () => {
    expect(applySettings({}, BEFORE)).toEqual(BEFORE);
  });

  it("become the default when they are null", () => {
    const nulls = {
      description: null,
      filter: null,
      profile: null,
      timeout_ms: null,
      retry_schedule_s: null,
      rate_limit: null,
      ordered: null,
      is_active: null,
    };
    expect(applySettings(nulls, BEFORE)).toEqual(DEFAULT_SETTINGS);
  });

  it("become what is given, also what is empty or false", () => {
    const given = {
      description: "after",
      filter: "data.y == 2",
      profile: "znyx",
      timeout_ms: 9_000,
      retry_schedule_s: [],
      rate_limit: 7,
      ordered: false,
      is_active: true,
    } as const;
    expect(applySettings(given, BEFORE)).toEqual({
      description: "after",
      filter: "data.y == 2",
      profile: "znyx",
      timeoutMs: 9_000,
      retryDelaysS: [],
      rateLimit: 7,
      ordered: false,
      isActive: true,
    });
    expect(applySettings({ is_active: false }, DEFAULT_SETTINGS).isActive).toBe(false);
  });
});
