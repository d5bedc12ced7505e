import { networkInterfaces } from "node:os";
import { expect, it } from "vitest";
import { isOwnAddress } from "./own-addresses.ts";

it("knows the addresses of this machine's interfaces, in whatever notation", () => {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  expect(own.length).toBeGreaterThan(0);
  for (const { address } of own) expect(isOwnAddress(address)).toBe(true);
  expect(isOwnAddress("::ffff:127.0.0.1")).toBe(true);
  expect(isOwnAddress("1.1.1.1")).toBe(false);
  expect(isOwnAddress("nonsense")).toBe(false);
});
