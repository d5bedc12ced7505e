import { readSettings, SettingsError } from "@posthorn/service-runtime";
import { describe, expect, it } from "vitest";
import { egressPolicyOf, egressProxySetting, egressSettings } from "./settings.ts";

const spec = { ...egressSettings, proxy: egressProxySetting };

describe("the settings of the guard", () => {
  it("open nothing when nothing is set", () => {
    const settings = readSettings({}, spec);
    expect(egressPolicyOf(settings)).toEqual({
      allowHttp: false,
      allowedTargets: [],
      deniedTargets: [],
      judgesNat64ByIpv4: false,
    });
    expect(settings.proxy).toBe(undefined);
  });

  it("become the policy", () => {
    const settings = readSettings(
      {
        POSTHORN_ALLOW_HTTP: "true",
        POSTHORN_ALLOWED_TARGETS: "127.0.0.0/8, ::1/128",
        POSTHORN_DENIED_TARGETS: "8.8.8.0/24",
        POSTHORN_NAT64: "true",
        POSTHORN_EGRESS_PROXY: "http://user:pass@proxy.internal:4750",
      },
      spec,
    );
    const policy = egressPolicyOf(settings);
    expect(policy).toMatchObject({ allowHttp: true, judgesNat64ByIpv4: true });
    expect([policy.allowedTargets.length, policy.deniedTargets?.length]).toEqual([2, 1]);
    expect(settings.proxy).toEqual({ origin: "http://proxy.internal:4750", authorization: "Basic dXNlcjpwYXNz" });
  });

  it.each([
    ["POSTHORN_DENIED_TARGETS", "8.8.8.0/33"],
    ["POSTHORN_NAT64", "maybe"],
    ["POSTHORN_EGRESS_PROXY", "socks5://user:hunter2@proxy.internal"],
  ])("refuse nonsense in %s, without repeating a password", (variable, text) => {
    const read = () => readSettings({ [variable]: text }, spec);
    expect(read).toThrow(SettingsError);
    expect(read).not.toThrow(/hunter2/);
  });
});
