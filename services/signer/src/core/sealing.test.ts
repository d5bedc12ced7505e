import { inspect } from "node:util";
import { parseOrgId, parseWebhookId } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { masterKeyOf, openSecret, type SealBinding, type SealPurpose, sealSecret } from "./sealing.ts";

const KEY_BYTES = Buffer.from("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "hex");
const NONCE = Buffer.from("202122232425262728292a2b", "hex");
const MASTER_KEY = masterKeyOf(KEY_BYTES);
const ORG = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90";
const OWNER = binding(ORG, WEBHOOK);
const PURPOSES: readonly SealPurpose[] = ["signing", "token", "headers"];
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

describe("sealing", () => {
  it("gives back what was sealed", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), nonce(), (secret, nonce) => {
        const sealed = sealSecret(MASTER_KEY, OWNER, secret, nonce);
        expect(openSecret(MASTER_KEY, OWNER, sealed)).toEqual({ kind: "opened", secret });
      }),
    );
  });

  it("writes version, key id, nonce, tag and ciphertext, bound to key id and owner", async () => {
    const sealed = sealSecret(MASTER_KEY, OWNER, SECRET, NONCE);
    expect(sealed[0]).toBe(1);
    expect(sealed.subarray(1, 5)).toEqual(MASTER_KEY.id);
    expect(sealed.subarray(5, 17)).toEqual(NONCE);
    // The rest by another implementation, which puts the tag at the end.
    const key = await crypto.subtle.importKey("raw", KEY_BYTES, "AES-GCM", false, ["decrypt"]);
    const length = Buffer.from([0, 0, 0, 36]);
    const additionalData = Buffer.concat([
      sealed.subarray(0, 5),
      length,
      Buffer.from(ORG),
      length,
      Buffer.from(WEBHOOK),
    ]);
    const ciphertext = Buffer.concat([sealed.subarray(33), sealed.subarray(17, 33)]);
    const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv: NONCE, additionalData }, key, ciphertext);
    expect(Buffer.from(clear).toString()).toBe(SECRET);
  });

  it("still opens what the first version sealed", () => {
    const sealed = Buffer.from(SEALED_BY_VERSION_1, "hex");
    expect(openSecret(MASTER_KEY, OWNER, sealed)).toEqual({ kind: "opened", secret: SECRET });
  });

  it("does not open for another webhook, another organisation, or the two exchanged", () => {
    const sealed = sealSecret(MASTER_KEY, OWNER, SECRET, NONCE);
    for (const stranger of [binding(ORG, ORG), binding(WEBHOOK, WEBHOOK), binding(WEBHOOK, ORG)]) {
      expect(openSecret(MASTER_KEY, stranger, sealed)).toEqual({ kind: "unsealable", reason: "not_authentic" });
    }
  });

  it("opens for the purpose that it was sealed for, and for no other", () => {
    for (const sealedFor of PURPOSES) {
      const sealed = sealSecret(MASTER_KEY, binding(ORG, WEBHOOK, sealedFor), SECRET, NONCE);
      const opened = PURPOSES.filter((purpose) => {
        const result = openSecret(MASTER_KEY, binding(ORG, WEBHOOK, purpose), sealed);
        return result.kind === "opened" && result.secret === SECRET;
      });
      expect(opened).toEqual([sealedFor]);
    }
  });

  it("binds a token to its purpose behind its owner, each preceded by its length", async () => {
    const sealed = sealSecret(MASTER_KEY, binding(ORG, WEBHOOK, "token"), SECRET, NONCE);
    const key = await crypto.subtle.importKey("raw", KEY_BYTES, "AES-GCM", false, ["decrypt"]);
    const parts = [ORG, WEBHOOK, "token"].flatMap((text) => [Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
    const additionalData = Buffer.concat([sealed.subarray(0, 5), ...parts]);
    const ciphertext = Buffer.concat([sealed.subarray(33), sealed.subarray(17, 33)]);
    const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv: NONCE, additionalData }, key, ciphertext);
    expect(Buffer.from(clear).toString()).toBe(SECRET);
  });

  it("does not open under another master key, also when the key id was forged", () => {
    const other = masterKeyOf(Buffer.alloc(32, 7));
    const sealed = sealSecret(MASTER_KEY, OWNER, SECRET, NONCE);
    expect(openSecret(other, OWNER, sealed)).toEqual({ kind: "unsealable", reason: "other_master_key" });
    other.id.copy(sealed, 1);
    expect(openSecret(other, OWNER, sealed)).toEqual({ kind: "unsealable", reason: "not_authentic" });
  });

  it("notices every changed bit", () => {
    const sealed = sealSecret(MASTER_KEY, OWNER, SECRET, NONCE);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openSecret(MASTER_KEY, OWNER, changed).kind).toBe("unsealable");
    }
  });

  it("notices a missing end, and never throws for bytes of any kind", () => {
    const sealed = sealSecret(MASTER_KEY, OWNER, SECRET, NONCE);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(openSecret(MASTER_KEY, OWNER, sealed.subarray(0, length)).kind).toBe("unsealable");
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, isAddressedToUs) => {
        if (isAddressedToUs) bytes.set([1, ...MASTER_KEY.id].slice(0, bytes.length));
        expect(openSecret(MASTER_KEY, OWNER, bytes).kind).toBe("unsealable");
      }),
    );
  });

  it("says why", () => {
    const sealed = sealSecret(MASTER_KEY, OWNER, SECRET, NONCE);
    expect(openSecret(MASTER_KEY, OWNER, sealed.subarray(0, 33))).toMatchObject({ reason: "malformed" });
    sealed[0] = 2;
    expect(openSecret(MASTER_KEY, OWNER, sealed)).toMatchObject({ reason: "unknown_version" });
  });
});

describe("a master key", () => {
  it("shows nothing of itself when it is printed", () => {
    const printed = `${inspect(MASTER_KEY, { depth: 9, showHidden: true })}${JSON.stringify(MASTER_KEY)}`;
    expect(printed).not.toContain(KEY_BYTES.toString("hex", 0, 8));
    expect(printed).not.toContain(KEY_BYTES.toString("base64").slice(0, 8));
    expect(printed).not.toContain("0, 1, 2, 3");
    expect(printed).not.toContain("0,1,2,3");
  });

  it("has the same id in every process, and another one for another key", () => {
    expect(MASTER_KEY.id.toString("hex")).toBe(MASTER_KEY_ID);
    expect(masterKeyOf(Buffer.alloc(32, 7)).id).not.toEqual(MASTER_KEY.id);
  });
});

const MASTER_KEY_ID = "54cf3071";
/** Computed by another implementation. */
const SEALED_BY_VERSION_1 =
  "0154cf3071202122232425262728292a2b6b88c1034c35fdc5c9a6565172fcdce2" +
  "a552d5150fc75768512d7bbcf95fbfa0a13bb8ebedd533aa54bf204213c3313b39efa965dd52";

const nonce = () => fc.uint8Array({ minLength: 12, maxLength: 12 });

function binding(org: string, webhook: string, purpose: SealPurpose = "signing"): SealBinding {
  const [orgId, webhookId] = [parseOrgId(org), parseWebhookId(webhook)];
  if (orgId === undefined || webhookId === undefined) throw new Error("not a UUID");
  return { orgId, webhookId, purpose };
}
