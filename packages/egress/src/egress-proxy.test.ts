import { describe, expect, it } from "vitest";
import { parseEgressProxy } from "./egress-proxy.ts";

describe("the URL of an egress proxy", () => {
  it.each([
    ["http://proxy.internal:4750", "http://proxy.internal:4750", undefined],
    ["http://10.0.0.7/", "http://10.0.0.7", undefined],
    ["http://user:password@proxy.internal:4750", "http://proxy.internal:4750", "Basic dXNlcjpwYXNzd29yZA=="],
    ["http://user:p%40ss@proxy.internal:4750", "http://proxy.internal:4750", "Basic dXNlcjpwQHNz"],
  ])("%s is understood", (text, origin, authorization) => {
    expect(parseEgressProxy(text)).toEqual({ kind: "ok", proxy: { origin, authorization } });
  });

  it.each([
    "",
    "proxy:4750",
    "https://proxy:4750",
    "socks5://proxy",
    "http://proxy/path",
    "http://proxy/?a",
    "http://a:%@b",
  ])("%j is refused, and not repeated", (text) => {
    expect(parseEgressProxy(text)).toEqual({
      kind: "refused",
      message:
        "is not the URL of an HTTP proxy such as http://proxy.internal:4750 or http://user:password@proxy.internal:4750",
    });
  });
});
