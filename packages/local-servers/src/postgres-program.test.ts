import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { completeLinks } from "./postgres-program.ts";

function packageWith(links: readonly { source: string; target: string }[]): string {
  const dir = mkdtempSync(join(tmpdir(), "posthorn-links-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "native", "lib"), { recursive: true });
  writeFileSync(join(dir, "native", "pg-symlinks.json"), JSON.stringify(links));
  return dir;
}

const link = { source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" };

test("missing links are made relative to their folder, and a second call changes nothing", () => {
  const dir = packageWith([link]);
  completeLinks(dir);
  completeLinks(dir);
  expect(readlinkSync(join(dir, link.target))).toBe("libpq.so.5.18");
});

test("something else in the place of a link is refused by its path", () => {
  const dir = packageWith([link]);
  writeFileSync(join(dir, link.target), "");
  expect(() => completeLinks(dir)).toThrow(join(dir, link.target));
});
