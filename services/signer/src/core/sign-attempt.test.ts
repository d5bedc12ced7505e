import { createPublicKey, verify } from "node:crypto";
import { verify as verifyAsGitHub } from "@octokit/webhooks-methods";
import { PROFILE_NAMES, type ProfileName } from "@posthorn/domain";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { signAttempt, statedHeaders } from "./sign-attempt.ts";
import { signingKeysOf } from "./signing-keys.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/** Of Svix's server. */
const ED25519 = {
  secret: "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
  publicKey: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
  signature: "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
};
/** The first test key of RFC 8032. */
const OTHER_ED25519_SECRET = `whsk_${Buffer.from(
  "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60" +
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  "hex",
).toString("base64")}`;
const MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
/** The Myop documentation's example event, minified. */
const MYOP_EXAMPLE =
  '{"event":"components.deployed","timestamp":"2026-03-24T13:37:00.000Z","organizationId":"org-abc-123",' +
  '"data":{"releases":[{"componentId":"2098cfba-5124-48ff-b87d-6cd71c14cf7a",' +
  '"variantId":"57a5c9ef-8775-4a19-a243-4cadb87a3e6f","environment":"production",' +
  '"environmentId":"d6c518e0-f80b-4cbe-9efd-b51aa37f2324"}]}}';

describe("webhook-signature", () => {
  it.each([
    // The first two are the vectors that the Standard Webhooks libraries publish.
    [SECRET, MESSAGE_ID, 1_614_265_330, '{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="],
    [
      "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
      "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
      1_649_367_553,
      '{"email":"test@example.com","username":"test_user"}',
      "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ],
    [SECRET, MESSAGE_ID, 1_774_359_420, MYOP_EXAMPLE, "v1,sa9JjmdU/lx1lnY1qN+EFUFShjn8LOKVfKcibOxN7lc="],
  ])("is the published one for %s, %s", (secret, messageId, timestampS, body, signature) => {
    expect(signed("standard", { secrets: [secret], messageId, timestampS, body })).toEqual({
      "webhook-id": messageId,
      "webhook-timestamp": String(timestampS),
      "webhook-signature": signature,
    });
  });

  it("lists one signature per secret, the newest first", () => {
    const [old, young] = ["whsec_b2xkIHNlY3JldCBvbGQ=", SECRET] as const;
    const both = signed("standard", { secrets: [young, old] })["webhook-signature"];
    const one = (secret: string) => signed("standard", { secrets: [secret] })["webhook-signature"];
    expect(both).toBe(`${one(young)} ${one(old)}`);
  });

  it("is accepted by the standardwebhooks library for every secret of a rotation, in every profile", () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    const secrets = fc.array(
      key.map((text) => `whsec_${text}`),
      { minLength: 1, maxLength: 4 },
    );
    const nowS = Math.floor(Date.now() / 1_000);
    fc.assert(
      fc.property(secrets, fc.constantFrom(...PROFILE_NAMES), fc.json(), (secrets, profile, body) => {
        const headers = signed(profile, { secrets, body, timestampS: nowS });
        for (const secret of secrets) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
        const changed = () => new Webhook(secrets[0] ?? "").verify(`${body} `, headers);
        expect(changed).toThrow("No matching signature found");
      }),
    );
  });

  it("is accepted by the standardwebhooks library in raw form for a secret that is plain text", () => {
    const secret = "correct horse battery staple";
    const headers = signed("standard", { secrets: [secret], body: "{}", timestampS: Math.floor(Date.now() / 1_000) });
    expect(new Webhook(secret, { format: "raw" }).verify("{}", headers)).toEqual({});
  });
});

describe("webhook-signature with ed25519", () => {
  it("is the vector that Svix publishes", () => {
    const changes = { secrets: [ED25519.secret], timestampS: 1_614_265_330, body: '{"test": 2432232314}' };
    expect(signed("standard", changes)["webhook-signature"]).toBe(ED25519.signature);
  });

  it("is accepted by whoever holds the public key, for that message only", () => {
    const publicKey = publicKeyOf(ED25519.publicKey);
    fc.assert(
      fc.property(fc.json(), (body) => {
        const headers = signed("standard", { secrets: [ED25519.secret], body });
        const [version, signature = ""] = headers["webhook-signature"]?.split(",") ?? [];
        expect(version).toBe("v1a");
        const verifies = (text: string) => verify(null, Buffer.from(text), publicKey, Buffer.from(signature, "base64"));
        const content = `${MESSAGE_ID}.${headers["webhook-timestamp"]}.${body}`;
        expect(verifies(content)).toBe(true);
        expect(verifies(`${content} `)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it("lists both signatures in a rotation, also from one kind of secret to the other", () => {
    const one = (secret: string) => signed("standard", { secrets: [secret] })["webhook-signature"];
    for (const secrets of [
      [ED25519.secret, OTHER_ED25519_SECRET],
      [ED25519.secret, SECRET],
      [SECRET, ED25519.secret],
    ]) {
      expect(signed("standard", { secrets })["webhook-signature"]).toBe(secrets.map(one).join(" "));
    }
    expect(one(OTHER_ED25519_SECRET)).not.toBe(one(ED25519.secret));
  });
});

describe("the profile's own signature", () => {
  it.each([
    ["myop", "X-Myop-Signature"],
    ["znyx", "X-Webhook-Signature"],
    ["mutx", "X-Webhook-Signature"],
  ] as const)("is sha256=<hex> over the body in %s", (profile, header) => {
    expect(signed(profile, { body: MYOP_EXAMPLE, timestampS: 1_774_359_420 })[header]).toBe(
      "sha256=482c25f7a5b2e326cc302bec8afbd67c6f679d1cfecda64de5ae33bcd628f655",
    );
  });

  it("is t=<s>,v1=<hex> over time and body in nextmv", () => {
    expect(signed("nextmv", { body: MYOP_EXAMPLE, timestampS: 1_774_359_420 })["Nextmv-Signature"]).toBe(
      "t=1774359420,v1=334449d4b65c9fb2b5d8cc15d74ee63dac38c1898eb63347cb23135974bcc946",
    );
  });

  it("is GitHub's for the vector of its documentation", () => {
    const headers = signed("myop", { secrets: ["It's a Secret to Everybody"], body: "Hello, World!" });
    expect(headers["X-Myop-Signature"]).toBe("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  });

  it("is accepted by GitHub's library", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: "binary" }), fc.json(), async (secret, body) => {
        const signature = signed("znyx", { secrets: [secret], body })["X-Webhook-Signature"] ?? "";
        expect(await verifyAsGitHub(secret, body, signature)).toBe(true);
        expect(await verifyAsGitHub(secret, `${body} `, signature)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it("is made with the one secret that it is to be made with", () => {
    const secrets = [SECRET, "the secret before it"];
    for (const profile of PROFILE_NAMES) {
      for (const [legacyIndex, secret] of secrets.entries()) {
        const { "webhook-signature": _, ...rotated } = signed(profile, { secrets, legacyIndex });
        expect(signed(profile, { secrets: [secret] })).toMatchObject(rotated);
      }
    }
  });

  it("is left out when it is not wanted, and the trio is not", () => {
    for (const profile of PROFILE_NAMES) {
      expect(signed(profile, { legacyIndex: undefined })).toEqual(signed("standard"));
    }
  });

  it("is left out for an ed25519 secret, which its receivers could not verify", () => {
    for (const profile of PROFILE_NAMES) {
      expect(Object.keys(signed(profile, { secrets: [ED25519.secret] }))).toHaveLength(3);
    }
  });

  it("is the only header beside the trio", () => {
    const names = PROFILE_NAMES.map((profile) => Object.keys(signed(profile)).slice(3));
    expect(names).toEqual([
      [],
      ["X-Myop-Signature"],
      [],
      ["Nextmv-Signature"],
      ["X-Webhook-Signature"],
      ["X-Webhook-Signature"],
    ]);
  });
});

function signed(
  profile: ProfileName,
  changes: {
    readonly secrets?: readonly string[];
    readonly messageId?: string;
    readonly timestampS?: number;
    readonly body?: string;
    /** Given as undefined: none. */
    readonly legacyIndex?: number | undefined;
  } = {},
): Record<string, string> {
  const { secrets = [SECRET], messageId = MESSAGE_ID, timestampS = 1_614_265_330, body = "{}" } = changes;
  const keys = secrets.map(signingKeysOf);
  const legacyIndex = "legacyIndex" in changes ? changes.legacyIndex : 0;
  const attempt = { profile, messageId, timestampS, body: Buffer.from(body) };
  const legacy = legacyIndex === undefined ? undefined : keys[legacyIndex];
  const headers = [...statedHeaders(attempt), ...signAttempt(keys, legacy, attempt)];
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]));
}

/** Read by its DER form, not by the way that the signer takes. */
function publicKeyOf(text: string) {
  const prefix = Buffer.from("302a300506032b6570032100", "hex");
  const key = Buffer.concat([prefix, Buffer.from(text.slice("whpk_".length), "base64")]);
  return createPublicKey({ key, format: "der", type: "spki" });
}
