import { describe, expect, it } from "vitest";
import { parseHops } from "./hops.ts";

describe("the header that counts deliveries", () => {
  it.each([
    [undefined, 0],
    ["0", 0],
    ["3", 3],
    ["999999", 999_999],
  ])("%s is %i", (header, hops) => {
    expect(parseHops(header)).toEqual({ kind: "sound", value: hops });
  });

  it.each(["", "-1", "1.0", "1e3", " 1", "1000000", "1, 2", "x"])("%j is refused", (header) => {
    expect(parseHops(header)).toEqual({
      kind: "refused",
      refusal: {
        code: "invalid_hops",
        detail: "The header posthorn-hops must be a whole number from 0 to 999999.",
        errors: [{ path: "posthorn-hops", message: "must be a whole number from 0 to 999999" }],
      },
    });
  });
});
