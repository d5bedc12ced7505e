import { parseOrgId, parseWebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { ExtraHeaderRing } from "./extra-header-ring.ts";
import { masterKeyOf, type SealPurpose, sealSecret } from "./sealing.ts";
import { signAttempt } from "./sign-attempt.ts";
import { type ItemToSign, type Rings, signItem } from "./sign-item.ts";
import { SigningKeyRing } from "./signing-key-ring.ts";
import { signingKeysOf } from "./signing-keys.ts";

const MASTER_KEY = masterKeyOf(Buffer.alloc(32, 1));
const ORG = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90";
const [YOUNG, OLD] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "the secret before it"] as const;

const ITEM: ItemToSign = {
  orgId: ORG,
  webhookId: WEBHOOK,
  profile: "nextmv",
  messageId: "msg_1",
  timestampS: 1_774_359_420,
  body: Buffer.from("{}"),
  sealedSecrets: [sealed(YOUNG), sealed(OLD)],
  legacyIndex: 0,
  withoutLegacy: false,
  sealedToken: new Uint8Array(),
  sealedHeaders: new Uint8Array(),
};
const KEYS = [signingKeysOf(YOUNG), signingKeysOf(OLD)] as const;

const NOT_AUTHENTIC = "a sealed secret was changed, is another webhook's, or was sealed for another purpose";
const NO_OBJECT = "sealed headers are no object of names and values";

describe("signItem", () => {
  it("signs with all sealed secrets in their order", () => {
    expect(signItem(newRings(), ITEM)).toEqual({
      kind: "signed",
      headers: signAttempt(KEYS, KEYS[0], { ...ITEM, profile: "nextmv" }),
      secretsOpened: 2,
      secretsRemembered: 0,
    });
  });

  it("makes the profile's own header with the secret that the item names, or leaves it out", () => {
    expect(signItem(newRings(), { ...ITEM, legacyIndex: 1 })).toMatchObject({
      headers: signAttempt(KEYS, KEYS[1], { ...ITEM, profile: "nextmv" }),
    });
    const without = signItem(newRings(), { ...ITEM, withoutLegacy: true });
    expect(without).toMatchObject({ headers: signAttempt(KEYS, undefined, { ...ITEM, profile: "nextmv" }) });
    expect(without.kind === "signed" && without.headers).toHaveLength(1);
  });

  it("adds the token and the custom headers as secrets, the token first", () => {
    const custom = JSON.stringify({ "X-Team": "blue", authorization: "mine" });
    const rings = newRings();
    const item = { ...ITEM, sealedToken: sealed("t0ken", "token"), sealedHeaders: sealed(custom, "headers") };
    const first = signItem(rings, item);
    expect(first.kind === "signed" && first.headers.slice(2)).toEqual([
      { name: "Authorization", value: "Bearer t0ken", secret: true },
      { name: "X-Team", value: "blue", secret: true },
      { name: "authorization", value: "mine", secret: true },
    ]);
    expect(first).toMatchObject({ secretsOpened: 4, secretsRemembered: 0 });
    expect(signItem(rings, item)).toEqual({ ...first, secretsOpened: 0, secretsRemembered: 4 });
  });

  it("marks no signature as a secret", () => {
    const signed = signItem(newRings(), ITEM);
    expect(signed.kind === "signed" && signed.headers.map(({ secret }) => secret)).toEqual([false, false]);
  });

  it("tells how many secrets were remembered", () => {
    const rings = newRings();
    signItem(rings, { ...ITEM, sealedSecrets: [sealed(OLD)] });
    expect(signItem(rings, ITEM)).toMatchObject({ secretsOpened: 1, secretsRemembered: 1 });
  });

  it("knows a webhook by its id in any spelling", () => {
    expect(signItem(newRings(), { ...ITEM, orgId: ORG.toUpperCase() }).kind).toBe("signed");
  });

  it.each([
    ["unknown_profile", "the profile is unknown to this signer", { profile: "unheard-of" }],
    ["no_secret", "the webhook has no secret", { sealedSecrets: [] }],
    ["unsealable", "the ids of the owner are no UUIDs", { orgId: "acme" }],
    ["unsealable", "the ids of the owner are no UUIDs", { webhookId: "" }],
    ["unsealable", NOT_AUTHENTIC, { webhookId: ORG }],
    ["unsealable", NOT_AUTHENTIC, { sealedSecrets: [sealed("t0ken", "token")] }],
    ["unsealable", NOT_AUTHENTIC, { sealedToken: sealed(YOUNG) }],
    ["unsealable", NOT_AUTHENTIC, { sealedToken: sealed("{}", "headers") }],
    ["unsealable", NOT_AUTHENTIC, { sealedHeaders: sealed("{}", "token") }],
    ["unsealable", NO_OBJECT, { sealedHeaders: sealed('["X-Team"]', "headers") }],
    ["malformed", "legacy_index names none of the item's secrets", { legacyIndex: 2 }],
    ["malformed", "legacy_index names none of the item's secrets", { legacyIndex: 2, withoutLegacy: true }],
    ["unsealable", "a sealed secret is too short to be one", { sealedSecrets: [sealed(YOUNG), Buffer.alloc(3)] }],
    [
      "unsealable",
      "a sealed secret is of a version that this signer does not know",
      { sealedSecrets: [Buffer.alloc(99)] },
    ],
    [
      "unsealable",
      "a sealed secret was sealed with another master key",
      { sealedSecrets: [sealed(YOUNG, "signing", masterKeyOf(Buffer.alloc(32, 2)))] },
    ],
  ] as const)("refuses as %s: %s", (code, reason, changes) => {
    expect(signItem(newRings(), { ...ITEM, ...changes })).toEqual({ kind: "refused", code, reason });
  });
});

function newRings(): Rings {
  return {
    keys: new SigningKeyRing({ masterKey: MASTER_KEY, secretsMax: 10 }),
    extraHeaders: new ExtraHeaderRing({ masterKey: MASTER_KEY, bytesMax: 1_000 }),
  };
}

function sealed(secret: string, purpose: SealPurpose = "signing", masterKey = MASTER_KEY): Buffer {
  const [orgId, webhookId] = [parseOrgId(ORG), parseWebhookId(WEBHOOK)];
  if (orgId === undefined || webhookId === undefined) throw new Error("not a UUID");
  return sealSecret(masterKey, { orgId, webhookId, purpose }, secret, Buffer.alloc(12, secret.length));
}
