import { parseOrgId, parseWebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { masterKeyOf, sealSecret } from "./sealing.ts";
import { signAttempt } from "./sign-attempt.ts";
import { type ItemToSign, signItem } from "./sign-item.ts";
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
};

describe("signItem", () => {
  it("signs with all sealed secrets in their order", () => {
    expect(signItem(newRing(), ITEM)).toEqual({
      kind: "signed",
      headers: signAttempt([signingKeysOf(YOUNG), signingKeysOf(OLD)], { ...ITEM, profile: "nextmv" }),
      secretsOpened: 2,
      secretsRemembered: 0,
    });
  });

  it("tells how many secrets were remembered", () => {
    const ring = newRing();
    signItem(ring, { ...ITEM, sealedSecrets: [sealed(OLD)] });
    expect(signItem(ring, ITEM)).toMatchObject({ secretsOpened: 1, secretsRemembered: 1 });
  });

  it("knows a webhook by its id in any spelling", () => {
    expect(signItem(newRing(), { ...ITEM, orgId: ORG.toUpperCase() }).kind).toBe("signed");
  });

  it.each([
    ["unknown_profile", "the profile is unknown to this signer", { profile: "github-dispatch" }],
    ["no_secret", "the webhook has no secret", { sealedSecrets: [] }],
    ["unsealable", "the ids of the owner are no UUIDs", { orgId: "acme" }],
    ["unsealable", "the ids of the owner are no UUIDs", { webhookId: "" }],
    ["unsealable", "a sealed secret was changed, or is another webhook's", { webhookId: ORG }],
    ["unsealable", "a sealed secret is too short to be one", { sealedSecrets: [sealed(YOUNG), Buffer.alloc(3)] }],
    [
      "unsealable",
      "a sealed secret is of a version that this signer does not know",
      { sealedSecrets: [Buffer.alloc(99)] },
    ],
    [
      "unsealable",
      "a sealed secret was sealed with another master key",
      { sealedSecrets: [sealed(YOUNG, masterKeyOf(Buffer.alloc(32, 2)))] },
    ],
  ] as const)("refuses as %s: %s", (code, reason, changes) => {
    expect(signItem(newRing(), { ...ITEM, ...changes })).toEqual({ kind: "refused", code, reason });
  });
});

function newRing(): SigningKeyRing {
  return new SigningKeyRing({ masterKey: MASTER_KEY, secretsMax: 10 });
}

function sealed(secret: string, masterKey = MASTER_KEY): Buffer {
  const [orgId, webhookId] = [parseOrgId(ORG), parseWebhookId(WEBHOOK)];
  if (orgId === undefined || webhookId === undefined) throw new Error("not a UUID");
  return sealSecret(masterKey, { orgId, webhookId }, secret, Buffer.alloc(12, secret.length));
}
