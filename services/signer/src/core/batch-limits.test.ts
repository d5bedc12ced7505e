import { describe, expect, it } from "vitest";
import { batchProblem } from "./batch-limits.ts";
import type { ItemToSign } from "./sign-item.ts";

const MIB = 1024 * 1024;

describe("batchProblem", () => {
  it("is none for a batch at its limits, nor for an empty one", () => {
    expect(batchProblem([])).toBeUndefined();
    expect(batchProblem(items(256, (4 * MIB) / 256, 10))).toBeUndefined();
  });

  it("names the limit that is broken, and by how much", () => {
    expect(batchProblem(items(257, 1, 1))).toBe("has 257 items, allowed are 256");
    expect(batchProblem(items(4, MIB + 1, 1))).toBe(
      "has 4194308 bytes of bodies and sealed headers, allowed are 4194304",
    );
    const headers = { ...items(1, MIB - 1, 1)[0], sealedToken: new Uint8Array(1), sealedHeaders: new Uint8Array(MIB) };
    expect(batchProblem(new Array(2).fill(headers))).toBeUndefined();
    expect(batchProblem(new Array(3).fill(headers))).toMatch("has 6291456 bytes of bodies and sealed headers");
    expect(batchProblem([...items(2, 1, 10), ...items(1, 1, 11)])).toBe("has 11 secrets in item 2, allowed are 10");
  });
});

function items(count: number, bodyBytes: number, secrets: number): ItemToSign[] {
  return new Array<ItemToSign>(count).fill({
    orgId: "",
    webhookId: "",
    profile: "standard",
    messageId: "",
    timestampS: 0,
    body: new Uint8Array(bodyBytes),
    sealedSecrets: new Array(secrets).fill(new Uint8Array()),
    legacyIndex: 0,
    withoutLegacy: false,
    sealedToken: new Uint8Array(),
    sealedHeaders: new Uint8Array(),
  });
}
