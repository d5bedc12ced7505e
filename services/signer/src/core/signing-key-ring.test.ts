import { parseOrgId, parseWebhookId, uuidv5 } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { masterKeyOf, type SecretOwner, sealSecret } from "./sealing.ts";
import { SigningKeyRing } from "./signing-key-ring.ts";

const MASTER_KEY = masterKeyOf(Buffer.alloc(32, 1));
const NAMESPACE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

describe("SigningKeyRing", () => {
  it("gives the keys of a sealed secret, and remembers them", () => {
    const ring = newRing(10);
    const sealed = seal(owner(1), "the secret of webhook 1");
    const first = ring.keysOf(owner(1), sealed);
    if (first.kind === "unsealable") throw new Error(first.reason);
    expect(first.keys.kind === "hmac" && first.keys.legacy.export().toString()).toBe("the secret of webhook 1");
    expect(first.wasRemembered).toBe(false);
    const second = ring.keysOf(owner(1), Buffer.from(sealed));
    if (second.kind === "unsealable") throw new Error(second.reason);
    expect(second.keys).toBe(first.keys);
    expect(second.wasRemembered).toBe(true);
  });

  it("remembers a secret for its owner only", () => {
    const ring = newRing(10);
    const sealed = seal(owner(1), "the secret of webhook 1");
    ring.keysOf(owner(1), sealed);
    const { orgId } = owner(2);
    expect(ring.keysOf(owner(2), sealed)).toEqual({ kind: "unsealable", reason: "not_authentic" });
    expect(ring.keysOf({ ...owner(1), orgId }, sealed)).toEqual({ kind: "unsealable", reason: "not_authentic" });
  });

  it("tells ciphertexts apart that differ in any one byte", () => {
    const ring = newRing(10);
    const sealed = seal(owner(1), "the secret of webhook 1");
    ring.keysOf(owner(1), sealed);
    for (let byte = 0; byte < 256; byte += 1) {
      const changed = Buffer.from(sealed).fill(byte, 20, 21);
      expect(ring.keysOf(owner(1), changed).kind).toBe(changed.equals(sealed) ? "keys" : "unsealable");
    }
  });

  it("opens no token", () => {
    const sealed = sealSecret(MASTER_KEY, { ...owner(1), purpose: "token" }, "a token", Buffer.alloc(12, 2));
    expect(newRing(10).keysOf(owner(1), sealed)).toEqual({ kind: "unsealable", reason: "not_authentic" });
  });

  it("tells the secret of a moment ago from others, though its bytes were overwritten meanwhile", () => {
    const ring = newRing(10);
    const sealed = seal(owner(1), "the secret of webhook 1");
    const given = Buffer.from(sealed);
    const first = ring.keysOf(owner(1), given);
    given.fill(0);
    expect(ring.keysOf(owner(1), given).kind).toBe("unsealable");
    expect(ring.keysOf(owner(1), sealed)).toEqual({ ...first, wasRemembered: true });
  });

  it("does not remember what does not open", () => {
    const ring = newRing(10);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(ring.keysOf(owner(1), Buffer.alloc(60)).kind).toBe("unsealable");
    }
    expect(ring.size).toBe(0);
  });

  it("forgets the secret that was asked for longest ago, and holds no more than its size", () => {
    const ring = newRing(2);
    const sealed = [1, 2, 3].map((number) => seal(owner(number), `the secret of webhook ${number}`));
    const wasRemembered = (number: number) => {
      const found = ring.keysOf(owner(number), sealed[number - 1] ?? Buffer.alloc(0));
      return found.kind === "keys" && found.wasRemembered;
    };
    expect([1, 2, 1, 3].map(wasRemembered)).toEqual([false, false, true, false]);
    expect(ring.size).toBe(2);
    expect([1, 3].map(wasRemembered)).toEqual([true, true]);
    expect(wasRemembered(2)).toBe(false);
    expect(ring.size).toBe(2);
  });
});

function newRing(secretsMax: number): SigningKeyRing {
  return new SigningKeyRing({ masterKey: MASTER_KEY, secretsMax });
}

function seal(owner: SecretOwner, secret: string): Buffer {
  return sealSecret(MASTER_KEY, { ...owner, purpose: "signing" }, secret, Buffer.alloc(12, 2));
}

function owner(number: number): SecretOwner {
  const orgId = parseOrgId(uuidv5(NAMESPACE, `org ${number}`));
  const webhookId = parseWebhookId(uuidv5(NAMESPACE, `webhook ${number}`));
  if (orgId === undefined || webhookId === undefined) throw new Error("not a UUID");
  return { orgId, webhookId };
}
