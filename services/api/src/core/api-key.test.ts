import { describe, expect, it } from "vitest";
import { apiKeyText, presentedKey } from "./api-key.ts";

it("a key is its prefix and its randomness in hex", () => {
  expect(apiKeyText("ph_sk_", Buffer.from("00ff10", "hex"))).toBe("ph_sk_00ff10");
});

describe("the key of a request", () => {
  it.each([
    [{ authorization: "Bearer abc" }, "abc"],
    [{ authorization: "bearer  abc " }, "abc"],
    [{ "x-api-key": "abc" }, "abc"],
    [{ authorization: "Bearer abc", "x-api-key": "other" }, "abc"],
    [{ authorization: "Basic abc", "x-api-key": "other" }, "other"],
  ])("is found in %j", (headers, key) => expect(presentedKey(headers)).toBe(key));

  it.each([
    [{}],
    [{ authorization: "" }],
    [{ authorization: "Bearer" }],
    [{ authorization: "Bearer " }],
    [{ authorization: "Bearer a b" }],
    [{ authorization: "abc" }],
    [{ "x-api-key": "" }],
    [{ "x-api-key": "x".repeat(257) }],
    [{ "x-api-key": ["a", "b"] }],
  ])("is missing in %j", (headers) => expect(presentedKey(headers)).toBeUndefined());
});
