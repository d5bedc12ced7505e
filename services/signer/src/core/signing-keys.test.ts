import type { KeyObject } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signingKeysOf } from "./signing-keys.ts";

const hex = (key: KeyObject) => key.export().toString("hex");
const utf8 = (key: KeyObject) => key.export().toString();

const ED25519_KEY = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

describe("signingKeysOf", () => {
  it("reads a private key behind whsk_, and has nothing that a seed system's receiver could use", () => {
    const keys = signingKeysOf(`whsk_${ED25519_KEY}`);
    expect(keys.standard).toMatchObject({ type: "private", asymmetricKeyType: "ed25519" });
    expect(keys.standard.export({ format: "jwk" })).toMatchObject({
      d: Buffer.from(ED25519_KEY, "base64").subarray(0, 32).toString("base64url"),
    });
    expect(keys).not.toHaveProperty("legacy");
  });

  it("decodes what follows whsec_ for the standard key, and takes the whole text for the legacy key", () => {
    const keys = signingKeysOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    expect(hex(keys.standard)).toBe("31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0");
    expect(keys.kind === "hmac" && utf8(keys.legacy)).toBe("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
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
    // No ed25519 key, for it has not 64 bytes, or its halves do not belong together.
    "whsk_",
    "whsk_AQIDBA==",
    `whsk_${Buffer.alloc(64, 1).toString("base64")}`,
    `WHSK_${ED25519_KEY}`,
  ])("takes the UTF-8 bytes of %j for both keys", (secret) => {
    const keys = signingKeysOf(secret);
    expect(utf8(keys.standard)).toBe(secret);
    expect(keys.kind === "hmac" && utf8(keys.legacy)).toBe(secret);
  });

  it("shows nothing of a secret when its keys are printed", () => {
    const print = (keys: object) => `${inspect(keys, { depth: 9, showHidden: true })}${JSON.stringify(keys)}`;
    expect(print(signingKeysOf("the secret of a webhook"))).not.toMatch(/secret of|116, 104/);
    expect(print(signingKeysOf(`whsk_${ED25519_KEY}`))).not.toMatch(/6Xb\/dCc|233, 118/);
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
