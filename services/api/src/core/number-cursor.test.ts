import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeNumbers, encodeNumbers } from "./number-cursor.ts";

const numbers = () => fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 4 });

describe("a cursor of numbers", () => {
  it("is read back as it was written, by those who expect as many", () => {
    fc.assert(
      fc.property(numbers(), (written) => {
        const text = encodeNumbers(written);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeNumbers(text, written.length)).toEqual(written);
        expect(decodeNumbers(text, written.length + 1)).toBeUndefined();
      }),
    );
  });

  it("is refused when it is anything else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = decodeNumbers(text, 1);
        if (read !== undefined) expect(encodeNumbers(read)).toBe(text.replace(/=+$/, ""));
      }),
    );
  });

  it.each(["", "-1", "1.5.", "01", "1e3", "9007199254740993"])("is not %j", (written) => {
    expect(decodeNumbers(Buffer.from(written).toString("base64url"), 1)).toBeUndefined();
  });
});
