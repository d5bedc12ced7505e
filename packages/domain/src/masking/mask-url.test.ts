import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskUrl } from "./mask-url.ts";

describe("maskUrl", () => {
  it.each([
    ["https://example.com/hook", "https://example.com/hook"],
    ["https://example.com/hook?", "https://example.com/hook?"],
    ["https://example.com/hook?token=s3cret", "https://example.com/hook?token=***"],
    ["https://example.com/?a=1&b=2&a=3", "https://example.com/?a=***&b=***&a=***"],
    ["https://example.com/?token=", "https://example.com/?token=***"],
    ["https://example.com/?=s3cret", "https://example.com/?=***"],
    // A bare word may be the token itself.
    ["https://example.com/?s3cret", "https://example.com/?***"],
    ["https://example.com/?a=1&s3cret", "https://example.com/?a=***&***"],
    ["https://example.com/?a=1&&b=2&", "https://example.com/?a=***&&b=***&"],
    ["https://example.com/?a=s3?cr=et", "https://example.com/?a=***"],
    ["https://example.com/?a=s3cret%26more", "https://example.com/?a=***"],
  ])("shows %s as %s", (url, masked) => {
    expect(maskUrl(url)).toBe(masked);
  });

  it("never shows a value, and changes nothing before the query", () => {
    const part = fc.stringMatching(/^[a-z0-9%+._?-]{0,8}$/);
    const value = fc.stringMatching(/^[A-Z?=]{1,12}$/).filter((text) => !/^=*$/.test(text));
    fc.assert(
      fc.property(fc.array(fc.tuple(part, value), { minLength: 1, maxLength: 5 }), (members) => {
        const url = `https://example.com/path?${members.map(([name, text]) => `${name}=${text}`).join("&")}`;
        const masked = maskUrl(url);
        expect(masked).toBe(`https://example.com/path?${members.map(([name]) => `${name}=***`).join("&")}`);
      }),
    );
  });
});
