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
};

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
    ["secret must have 16 to 256 characters, has 15.", { secret: "s".repeat(15) }],
    ["secret must have 16 to 256 characters, has 257.", { secret: "s".repeat(257) }],
  ])("refuses: %s", (detail, changes) => {
    const { ports, secretSealed } = newPorts();
    const refusal = { kind: "refusal", code: status.INVALID_ARGUMENT, detail };
    expect(sealSecret({ ...REQUEST, ...changes }, ports)).toEqual(refusal);
    expect(secretSealed).not.toHaveBeenCalled();
  });

  it.each([16, 256])("accepts a secret of %i characters", (length) => {
    expect(sealSecret({ ...REQUEST, secret: "s".repeat(length) }, newPorts().ports).kind).toBe("response");
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
  return { orgId, webhookId };
}
