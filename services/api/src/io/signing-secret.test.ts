import { createPublicKey, sign, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { givenOrNewSecret, newSigningSecret, PRIVATE_KEY_RULE, readSigningSecret } from "./signing-secret.ts";

/** RFC 8032, section 7.1, test 1. */
const SEED = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
const PUBLIC = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex");
const whsk = (bytes: Buffer) => `whsk_${bytes.toString("base64")}`;

describe("a new secret", () => {
  it("of hmac is written as Standard Webhooks does", () => {
    expect(newSigningSecret("hmac", Buffer.alloc(32, 1))).toEqual({
      secret: `whsec_${Buffer.alloc(32, 1).toString("base64")}`,
      publicKey: undefined,
    });
  });

  it("of ed25519 is seed and public key, of which receivers get the second", () => {
    expect(newSigningSecret("ed25519", SEED)).toEqual({
      secret: whsk(Buffer.concat([SEED, PUBLIC])),
      publicKey: `whpk_${PUBLIC.toString("base64")}`,
    });
  });

  it("of ed25519 makes signatures that its public key verifies", () => {
    const { secret, publicKey = "" } = newSigningSecret("ed25519", Buffer.alloc(32, 7));
    const seed = Buffer.from(secret.slice(5), "base64").subarray(0, 32);
    const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
    const signature = sign(null, Buffer.from("text"), { key: pkcs8, format: "der", type: "pkcs8" });
    const x = Buffer.from(publicKey.slice(5), "base64").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    expect(verify(null, Buffer.from("text"), key, signature)).toBe(true);
  });
});

describe("a given secret", () => {
  it.each([["any text of enough length"], ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], ["whsec_%%"]])(
    "of hmac may be %s",
    (secret) => {
      expect(readSigningSecret("hmac", secret)).toEqual({ kind: "sound", secret, publicKey: undefined });
    },
  );

  it("of hmac is no private key: it would be signed with as such", () => {
    const message = "must not begin with whsk_, which is for the keys of signing ed25519";
    expect(readSigningSecret("hmac", "whsk_and more")).toEqual({ kind: "unfit", message });
  });

  it("of ed25519 is read together with its public key", () => {
    const secret = whsk(Buffer.concat([SEED, PUBLIC]));
    const publicKey = `whpk_${PUBLIC.toString("base64")}`;
    expect(readSigningSecret("ed25519", secret)).toEqual({ kind: "sound", secret, publicKey });
  });

  it.each([
    ["an HMAC secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ["a seed alone", whsk(SEED)],
    ["another's public key", whsk(Buffer.concat([SEED, Buffer.alloc(32, 1)]))],
    ["too much", whsk(Buffer.concat([SEED, PUBLIC, PUBLIC]))],
    ["base64 without its padding", whsk(Buffer.concat([SEED, PUBLIC])).replace(/=+$/, "")],
    ["no base64", `whsk_${"!".repeat(88)}`],
    ["nothing", "whsk_"],
  ])("of ed25519 is not %s", (_what, secret) => {
    expect(readSigningSecret("ed25519", secret)).toEqual({ kind: "unfit", message: PRIVATE_KEY_RULE });
  });

  it("is taken before a new one, which null and absence ask for", () => {
    const random = Buffer.alloc(32, 1);
    expect(givenOrNewSecret("hmac", "given", random)).toMatchObject({ secret: "given" });
    for (const absent of [null, undefined]) {
      expect(givenOrNewSecret("hmac", absent, random)).toMatchObject({ secret: expect.stringMatching(/^whsec_/) });
    }
  });
});
