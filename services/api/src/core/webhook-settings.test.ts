import { describe, expect, it } from "vitest";
import { applySettings, DEFAULT_SETTINGS, type WebhookSettings } from "./webhook-settings.ts";

const BEFORE: WebhookSettings = {
  description: "before",
  profile: "mutx",
  timeoutMs: 2_000,
  retryDelaysS: [1],
  isActive: false,
};

describe("settings", () => {
  it("stay as they are when they are absent", () => {
    expect(applySettings({}, BEFORE)).toEqual(BEFORE);
  });

  it("become the default when they are null", () => {
    const nulls = { description: null, profile: null, timeout_ms: null, retry_schedule_s: null, is_active: null };
    expect(applySettings(nulls, BEFORE)).toEqual(DEFAULT_SETTINGS);
  });

  it("become what is given, also what is empty or false", () => {
    const given = {
      description: "after",
      profile: "znyx",
      timeout_ms: 9_000,
      retry_schedule_s: [],
      is_active: true,
    } as const;
    expect(applySettings(given, BEFORE)).toEqual({
      description: "after",
      profile: "znyx",
      timeoutMs: 9_000,
      retryDelaysS: [],
      isActive: true,
    });
    expect(applySettings({ is_active: false }, DEFAULT_SETTINGS).isActive).toBe(false);
  });
});
