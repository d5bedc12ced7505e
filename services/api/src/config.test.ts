import { readSettings, SettingsError } from "@posthorn/service-runtime";
import { describe, expect, it } from "vitest";
import { settings } from "./config.ts";

const REQUIRED = {
  DATABASE_URL: "postgres://posthorn_api:secret@db/posthorn",
  POSTHORN_SIGNER_TARGET: "127.0.0.1:9",
  POSTHORN_DISPATCHER_TARGET: "127.0.0.1:9",
  POSTHORN_ADMIN_KEY: "the root key",
};

describe("the settings", () => {
  it("have defaults that expose nothing", () => {
    expect(readSettings(REQUIRED, settings)).toMatchObject({
      httpPort: 8_080,
      host: "127.0.0.1",
      apiKeyPrefix: "ph_sk_",
      rateLimit: 0,
      allowHttp: false,
      allowedTargets: [],
      deniedTargets: [],
      judgesNat64ByIpv4: false,
      dnsServers: [],
    });
  });

  it.each([
    ["POSTHORN_API_KEY_PREFIX", "a b", 'is "a b"; it must be 1 to 32 letters, digits, _ or -.'],
    ["POSTHORN_API_KEY_PREFIX", "x".repeat(33), "it must be 1 to 32 letters, digits, _ or -."],
    ["POSTHORN_API_RATE_LIMIT", "-1", 'is "-1"; it must be a whole number from 0 to 1000000.'],
    [
      "POSTHORN_ALLOWED_TARGETS",
      "10.0.0.0/33",
      'is "10.0.0.0/33"; it must be a comma-separated list, each an address range',
    ],
    ["DATABASE_URL", "", "is not set; it must be a URL starting with postgres:// or postgresql://."],
    ["DATABASE_URL", "mysql://x", "it must be a URL starting with postgres:// or postgresql://."],
    ["POSTHORN_ADMIN_KEY", "", "is not set; it must be a secret text."],
    ["POSTHORN_SIGNER_TARGET", "", "is not set; it must be a text."],
    ["POSTHORN_DISPATCHER_TARGET", "", "is not set; it must be a text."],
  ])("refuse %s=%s in one sentence", (variable, value, sentence) => {
    const read = () => readSettings({ ...REQUIRED, [variable]: value }, settings);
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(new RegExp(`^${variable} [^\n]*${sentence.replaceAll(/[.*+?^$()[\]\\/|]/g, "\\$&")}`));
  });
});
