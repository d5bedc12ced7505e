import { limits, type SealedSecret } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { rotatedSecrets, unexpired } from "./rotate-secrets.ts";

const NOW_MS = 1_774_359_420_000;
const secret = (name: string, signsUntilMs?: number): SealedSecret => ({
  ciphertext: Buffer.from(name),
  signsUntilMs,
});
const shown = (secrets: readonly SealedSecret[]) =>
  secrets.map(({ ciphertext, signsUntilMs }) => [
    Buffer.from(ciphertext).toString(),
    signsUntilMs === undefined ? "current" : signsUntilMs - NOW_MS,
  ]);
const rotate = (before: readonly SealedSecret[], overlapMs: number) =>
  shown(rotatedSecrets(before, Buffer.from("new"), { nowMs: NOW_MS, overlapMs }));

describe("a rotation", () => {
  it("lets the former secret sign until the overlap ends", () => {
    expect(rotate([secret("a")], 1_000)).toEqual([
      ["new", "current"],
      ["a", 1_000],
    ]);
  });

  it("without an overlap leaves the new secret alone, also when others still overlap", () => {
    expect(rotate([secret("b"), secret("a", NOW_MS + 5_000)], 0)).toEqual([["new", "current"]]);
  });

  it("lets no former secret sign longer than it did, nor longer than the overlap", () => {
    expect(rotate([secret("b"), secret("a", NOW_MS + 500)], 1_000)).toEqual([
      ["new", "current"],
      ["b", 1_000],
      ["a", 500],
    ]);
    expect(rotate([secret("b"), secret("a", NOW_MS + 9_000)], 1_000).at(-1)).toEqual(["a", 1_000]);
  });

  it("drops the oldest when there would be too many", () => {
    const before = [secret("c"), secret("b", NOW_MS + 800), secret("a", NOW_MS + 700)];
    expect(rotate(before, 1_000).map(([name]) => name)).toEqual(["new", "c", "b"]);
    expect(limits.SIGNING_SECRETS_MAX).toBe(3);
  });

  it("drops what has expired", () => {
    expect(rotate([secret("b"), secret("a", NOW_MS)], 1_000)).toEqual([
      ["new", "current"],
      ["b", 1_000],
    ]);
  });
});

it("a secret signs to the last millisecond before its end", () => {
  expect(shown(unexpired([secret("b"), secret("a", NOW_MS + 1)], NOW_MS))).toHaveLength(2);
  expect(shown(unexpired([secret("b"), secret("a", NOW_MS)], NOW_MS))).toHaveLength(1);
});
