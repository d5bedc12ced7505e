import { appendFileSync, existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LOG_BYTES_MAX, openProcessLog } from "./process-log.ts";

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "posthorn-log-"));
  path = join(dir, "api.log");
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("only lines that were added since are read, and only when they are complete", () => {
  writeFileSync(path, "of an earlier start\n");
  const log = openProcessLog(path);
  expect(log.readNewLines()).toEqual([]);
  appendFileSync(path, "one\ntwo\nthr");
  expect(log.readNewLines()).toEqual(["one", "two"]);
  appendFileSync(path, "ee\n");
  expect(log.readNewLines()).toEqual(["three"]);
});

test("a log above the limit is put aside, a smaller one goes on", () => {
  const log = openProcessLog(path);
  appendFileSync(path, "small\n");
  log.rotate();
  expect(existsSync(`${path}.1`)).toBe(false);
  truncateSync(path, LOG_BYTES_MAX + 1);
  log.rotate();
  expect(existsSync(path)).toBe(false);
  appendFileSync(path, "after\n");
  expect(log.readNewLines()).toEqual(["after"]);
});

test("a log that does not exist yet has no lines", () => {
  expect(openProcessLog(path).readNewLines()).toEqual([]);
});
