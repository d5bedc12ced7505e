import type { KeyObject } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signingKeysOf } from "./signing-keys.ts";

const hex = (key: KeyObject) => key.export().toString("hex");
const utf8 = (key: KeyObject) => key.export().toString();

describe("signingKeysOf", () => {
  it("decodes what follows whsec_ for the standard key, and takes the whole text for the legacy key", () => {
    const keys = signingKeysOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    expect(hex(keys.standard)).toBe("31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0");
    expect(utf8(keys.legacy)).toBe("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  });

  it.each([
    ["whsec_AQIDBA==", "01020304"],
    ["whsec_AQIDBA", "01020304"],
    ["whsec_+/+/", "fbffbf"],
  ])("decodes %s", (secret, key) => {
    expect(hex(signingKeysOf(secret).standard)).toBe(key);
  });

  it.each([
    "correct horse battery staple",
    "sixteen-chars-ok",
    "schlüssel-über-16",
    "AQIDBA==",
    "WHSEC_AQIDBA==",
    " whsec_AQIDBA==",
    // No base64 in the standard alphabet, so no library could decode it.
    "whsec_",
    "whsec_AQIDBA=",
    "whsec_AQIDB",
    "whsec_AQ=DBA==",
    "whsec_AQID BA==",
    "whsec_AQIDBA==\n",
    "whsec_-_-_",
    "whsec_whsec_AQIDBA==",
  ])("takes the UTF-8 bytes of %j for both keys", (secret) => {
    const { standard, legacy } = signingKeysOf(secret);
    expect(utf8(standard)).toBe(secret);
    expect(utf8(legacy)).toBe(secret);
  });

  it("shows nothing of a secret when its keys are printed", () => {
    const keys = signingKeysOf("the secret of a webhook");
    expect(`${inspect(keys, { depth: 9, showHidden: true })}${JSON.stringify(keys)}`).not.toMatch(/secret of|116, 104/);
  });

  it("decodes what was encoded", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
        const secret = `whsec_${Buffer.from(bytes).toString("base64")}`;
        expect(hex(signingKeysOf(secret).standard)).toBe(Buffer.from(bytes).toString("hex"));
      }),
    );
  });
});
