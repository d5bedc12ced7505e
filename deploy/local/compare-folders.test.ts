import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { differingFiles } from "./compare-folders.ts";

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "posthorn-compare-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

test("files that differ or exist on one side only are named, in whatever depth", () => {
  const left = folderWith({ same: "1", changed: "1", "deep/er/left": "1" });
  const right = folderWith({ same: "1", changed: "2", "deep/right": "1" });
  expect(differingFiles(left, right)).toEqual(["changed", "deep/er/left", "deep/right"]);
});

test("equal folders do not differ", () => {
  const files = { one: "1", "deep/two": "2" };
  expect(differingFiles(folderWith(files), folderWith(files))).toEqual([]);
});
