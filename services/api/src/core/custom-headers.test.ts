import { PROFILE_NAMES, profileOf } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import {
  CUSTOM_HEADERS_BYTES_MAX,
  headerNameProblem,
  headersProblem,
  headerValueProblem,
  profileHeaderProblem,
} from "./custom-headers.ts";

describe("the name of a custom header", () => {
  it.each([["X-Own"], ["authorization"], ["Accept"], ["x_1.~!"], ["X-Webhook"], ["Cookie"], ["x".repeat(128)]])(
    "may be %s",
    (name) => expect(headerNameProblem(name)).toBeUndefined(),
  );

  it.each(PROFILE_NAMES)("is not one that the profile %s signs or says something with", (profile) => {
    const { legacySignature, eventTypeHeader, deliveryIdHeader } = profileOf(profile);
    const signature = legacySignature.kind === "none" ? undefined : legacySignature.header;
    for (const header of [signature, eventTypeHeader, deliveryIdHeader].filter((name) => name !== undefined)) {
      for (const spelling of [header, header.toLowerCase(), header.toUpperCase()]) {
        expect(headerNameProblem(spelling)).toBe("is a header that webhooks cannot set");
      }
    }
  });

  it.each([["Authorization"], ["accept"]])("is not %s where github-dispatch sends its own", (name) => {
    expect(profileHeaderProblem(["X-Own", name], "github-dispatch")).toEqual({
      kind: "invalid",
      path: `/headers/${name}`,
      message: "is set by the profile github-dispatch itself",
    });
    expect(profileHeaderProblem(["X-Own", name], "standard")).toBeUndefined();
  });
});

describe("the value of a custom header", () => {
  it.each([["1"], ["a b"], ["Bearer ü"], ["x".repeat(2_048)]])("may be %j", (value) => {
    expect(headerValueProblem(value)).toBeUndefined();
  });

  it("never comes back in the words that refuse it", () => {
    expect(headerValueProblem("s3cret\n")).not.toContain("s3cret");
  });
});

it("custom headers are counted together", () => {
  const full = { X: "x".repeat(CUSTOM_HEADERS_BYTES_MAX - 1) };
  expect(headersProblem(full)).toBeUndefined();
  expect(headersProblem({ ...full, Y: "" })).toBe("must have at most 8192 bytes together");
});
