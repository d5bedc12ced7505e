import { existsSync, rmSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { closeTestFile, createTestFolder, trackOpen } from "./leak-guard.ts";

test("what was left open fails the file, with the test that opened it", () => {
  trackOpen("receiver A");
  expect(() => closeTestFile(false)).toThrow(/never disposed: receiver A \(opened in ".*what was left open/);
});

test("what was closed does not, and a failure is reported once", () => {
  const close = trackOpen("receiver B");
  close();
  expect(() => closeTestFile(false)).not.toThrow();
});

test("folders go when all tests passed and stay when one failed", async () => {
  const kept = await createTestFolder("kept");
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  closeTestFile(true);
  expect(existsSync(kept)).toBe(true);
  expect(stderr).toHaveBeenCalledWith(`kept for a look: ${kept}\n`);
  stderr.mockRestore();
  rmSync(kept, { recursive: true });

  const removed = await createTestFolder("removed");
  closeTestFile(false);
  expect(existsSync(removed)).toBe(false);
});
