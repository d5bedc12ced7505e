import { describe, expect, it } from "vitest";
import { applyProfileOptions, type OptionsBefore } from "./profile-options.ts";

const NEW: OptionsBefore = { profile: "standard", eventTypePrefix: "", hasToken: false };
const DISPATCH: OptionsBefore = { profile: "github-dispatch", eventTypePrefix: "myop-", hasToken: true };
const MISSING = {
  kind: "invalid",
  path: "/profile_options/token",
  message: "is required by the profile github-dispatch",
};

describe("the options of github-dispatch", () => {
  it.each([
    ["a token", { token: "t" }, { eventTypePrefix: "", token: "new" }],
    ["both", { token: "t", event_type_prefix: "x-" }, { eventTypePrefix: "x-", token: "new" }],
  ])("need %s", (_what, input, options) => {
    expect(applyProfileOptions(input, NEW, "github-dispatch")).toEqual({ kind: "options", options });
  });

  it.each([[undefined], [null], [{}], [{ token: null }], [{ event_type_prefix: "x-" }]])(
    "are refused without a token: %j",
    (input) => {
      expect(applyProfileOptions(input, NEW, "github-dispatch")).toEqual(MISSING);
    },
  );

  it.each([
    ["stay when they are absent", undefined, { eventTypePrefix: "myop-", token: "kept" }],
    ["stay when none is named", {}, { eventTypePrefix: "myop-", token: "kept" }],
    ["change one by one", { event_type_prefix: "x-" }, { eventTypePrefix: "x-", token: "kept" }],
    ["have no prefix by default", { event_type_prefix: null }, { eventTypePrefix: "", token: "kept" }],
    ["take a new token", { token: "t" }, { eventTypePrefix: "myop-", token: "new" }],
  ])("%s", (_what, input, options) => {
    expect(applyProfileOptions(input, DISPATCH, "github-dispatch")).toEqual({ kind: "options", options });
  });

  it.each([[null], [{ token: null }]])("cannot be taken away: %j", (input) => {
    expect(applyProfileOptions(input, DISPATCH, "github-dispatch")).toEqual(MISSING);
  });
});

describe("other profiles", () => {
  it.each([[undefined], [null]])("have none, and let go of those of the profile before: %j", (input) => {
    const options = { eventTypePrefix: "", token: "none" };
    expect(applyProfileOptions(input, DISPATCH, "myop")).toEqual({ kind: "options", options });
  });

  it("refuse any", () => {
    const message = "must be null, because the profile myop has no options";
    const refusal = { kind: "invalid", path: "/profile_options", message };
    expect(applyProfileOptions({ token: "t" }, NEW, "myop")).toEqual(refusal);
  });
});
