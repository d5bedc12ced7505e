import { parseOrgId, parseWebhookId, uuidv5 } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { ExtraHeaderRing } from "./extra-header-ring.ts";
import { masterKeyOf, type SealPurpose, type SecretOwner, sealSecret } from "./sealing.ts";

const MASTER_KEY = masterKeyOf(Buffer.alloc(32, 1));
const NAMESPACE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

describe("ExtraHeaderRing", () => {
  it("gives a token as a bearer's, and remembers it", () => {
    const ring = newRing(1_000);
    const sealed = seal(owner(1), "token", "t0ken");
    const headers = [{ name: "Authorization", value: "Bearer t0ken", secret: true }];
    expect(ring.headersOf(owner(1), "token", sealed)).toEqual({ kind: "headers", headers, wasRemembered: false });
    expect(ring.headersOf(owner(1), "token", sealed)).toEqual({ kind: "headers", headers, wasRemembered: true });
  });

  it("remembers for its owner and its purpose only", () => {
    const ring = newRing(1_000);
    const sealed = seal(owner(1), "headers", '{"X-Team":"blue"}');
    expect(ring.headersOf(owner(1), "headers", sealed).kind).toBe("headers");
    expect(ring.headersOf(owner(2), "headers", sealed).kind).toBe("unsealable");
    expect(ring.headersOf(owner(1), "token", sealed).kind).toBe("unsealable");
  });

  it("does not remember what does not open", () => {
    const ring = newRing(1_000);
    expect(ring.headersOf(owner(1), "token", Buffer.alloc(60)).kind).toBe("unsealable");
    expect(ring.size).toBe(0);
  });

  it("remembers no more bytes than it may, and forgets what was asked for longest ago", () => {
    const sealed = [1, 2, 3].map((number) => seal(owner(number), "token", String(number).repeat(67)));
    expect(sealed.map(({ length }) => length)).toEqual([100, 100, 100]);
    const ring = newRing(200);
    const wasRemembered = (number: number) => {
      const found = ring.headersOf(owner(number), "token", sealed[number - 1] ?? Buffer.alloc(0));
      return found.kind === "headers" && found.wasRemembered;
    };
    expect([1, 2, 1, 3].map(wasRemembered)).toEqual([false, false, true, false]);
    expect([1, 3].map(wasRemembered)).toEqual([true, true]);
    expect(wasRemembered(2)).toBe(false);
    expect(ring.size).toBe(2);

    expect(ring.headersOf(owner(4), "token", seal(owner(4), "token", "4".repeat(300))).kind).toBe("headers");
    expect(ring.size).toBe(0);
  });
});

function newRing(bytesMax: number): ExtraHeaderRing {
  return new ExtraHeaderRing({ masterKey: MASTER_KEY, bytesMax });
}

function seal(owner: SecretOwner, purpose: SealPurpose, secret: string): Buffer {
  return sealSecret(MASTER_KEY, { ...owner, purpose }, secret, Buffer.alloc(12, 2));
}

function owner(number: number): SecretOwner {
  const orgId = parseOrgId(uuidv5(NAMESPACE, `org ${number}`));
  const webhookId = parseWebhookId(uuidv5(NAMESPACE, `webhook ${number}`));
  if (orgId === undefined || webhookId === undefined) throw new Error("not a UUID");
  return { orgId, webhookId };
}
