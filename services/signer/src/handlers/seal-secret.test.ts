import { status } from "@grpc/grpc-js";
import { parseOrgId, parseWebhookId } from "@posthorn/domain";
import { describe, expect, it, vi } from "vitest";
import { masterKeyOf, openSecret } from "../core/sealing.ts";
import type { SignerEvents } from "../events.ts";
import { sealSecret } from "./seal-secret.ts";

const MASTER_KEY = masterKeyOf(Buffer.alloc(32, 1));
const REQUEST = {
  orgId: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
  webhookId: "0190163d-8694-739b-aea5-966c26f8ad90",
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  purpose: "",
};
const ED25519_KEY = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

const NO_OBJECT = "secret must be a JSON object of at most 32 names and values.";
const NO_KEY = "secret must continue after whsk_ with 64 bytes in base64: an ed25519 seed and its public key.";

describe("sealSecret", () => {
  it("seals for the webhook and no other, with fresh randomness", () => {
    const { orgId, webhookId } = REQUEST;
    const [owner, other] = [ownerOf(orgId, webhookId), ownerOf(orgId, orgId)];
    const { ports, secretSealed } = newPorts();
    const [first, second] = [sealSecret(REQUEST, ports), sealSecret(REQUEST, ports)];
    if (first.kind === "refusal" || second.kind === "refusal") throw new Error("refused");
    const { ciphertext } = first.response;
    expect(openSecret(MASTER_KEY, owner, ciphertext)).toEqual({ kind: "opened", secret: REQUEST.secret });
    expect(openSecret(MASTER_KEY, other, ciphertext).kind).toBe("unsealable");
    expect(second.response.ciphertext).not.toEqual(ciphertext);
    expect(secretSealed).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["org_id must be a UUID.", { orgId: "acme" }],
    ["webhook_id must be a UUID.", { webhookId: "" }],
    ["secret must have 1 to 256 characters, has 0.", { secret: "" }],
    ["secret must have 1 to 256 characters, has 257.", { secret: "s".repeat(257) }],
    ['purpose must be empty, "token" or "headers".', { purpose: "signing" }],
    ["secret must have 1 to 2048 characters, has 2049.", { purpose: "token", secret: "s".repeat(2_049) }],
    ["secret must have 1 to 139264 characters, has 139265.", { purpose: "headers", secret: "s".repeat(139_265) }],
    [NO_OBJECT, { purpose: "headers", secret: "X-Team: blue" }],
    [NO_OBJECT, { purpose: "headers", secret: "null" }],
    [NO_OBJECT, { purpose: "headers", secret: '["X-Team"]' }],
    [NO_OBJECT, { purpose: "headers", secret: '{"X-Team":1}' }],
    [NO_OBJECT, { purpose: "headers", secret: headersOf(33) }],
    [NO_KEY, { secret: "whsk_too-short" }],
    [NO_KEY, { secret: `whsk_${Buffer.alloc(64, 1).toString("base64")}` }],
  ])("refuses: %s", (detail, changes) => {
    const { ports, secretSealed } = newPorts();
    const refusal = { kind: "refusal", code: status.INVALID_ARGUMENT, detail };
    expect(sealSecret({ ...REQUEST, ...changes }, ports)).toEqual(refusal);
    expect(secretSealed).not.toHaveBeenCalled();
  });

  it.each([1, 256])("accepts a secret of %i characters", (length) => {
    expect(sealSecret({ ...REQUEST, secret: "s".repeat(length) }, newPorts().ports).kind).toBe("response");
  });

  it.each([
    ["token", "token", "t".repeat(2_048)],
    ["headers", "headers", headersOf(32)],
    ["", "signing", `whsk_${ED25519_KEY}`],
  ] as const)("seals for the purpose %j, which opens as %s", (purpose, opensAs, secret) => {
    const sealed = sealSecret({ ...REQUEST, purpose, secret }, newPorts().ports);
    if (sealed.kind === "refusal") throw new Error(sealed.detail);
    const binding = { ...ownerOf(REQUEST.orgId, REQUEST.webhookId), purpose: opensAs };
    expect(openSecret(MASTER_KEY, binding, sealed.response.ciphertext)).toEqual({ kind: "opened", secret });
  });
});

function newPorts() {
  let calls = 0;
  const newNonce = () => {
    calls += 1;
    return Buffer.alloc(12, calls);
  };
  const secretSealed = vi.fn<SignerEvents["secretSealed"]>();
  return { secretSealed, ports: { masterKey: MASTER_KEY, events: { secretSealed }, newNonce } };
}

function ownerOf(org: string, webhook: string) {
  const [orgId, webhookId] = [parseOrgId(org), parseWebhookId(webhook)];
  if (orgId === undefined || webhookId === undefined) throw new Error("not a UUID");
  return { orgId, webhookId, purpose: "signing" } as const;
}

function headersOf(count: number): string {
  return JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`X-${index}`, "value"])));
}
