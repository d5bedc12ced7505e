/** What earlier builds have stored is read by this one as it was meant, and folded to the same rows. */

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { configKinds } from "./config-samples.ts";
import { bytesOf, plain, type Recording, read, rowsOf } from "./recording.ts";
import { logKinds } from "./samples.ts";

const FOLDER = new URL("./versions/", import.meta.url);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .toSorted();
const recordings = names.map((name) => [name, parse(readFileSync(new URL(name, FOLDER), "utf8"))] as const);

/** Written by `record.ts`, and never by hand. */
function parse(text: string): Recording {
  return JSON.parse(text) as Recording;
}

describe.each(recordings)("the recording %s", (name, recording) => {
  it.each(["log", "ingest", "work", "config"] as const)("has messages of %s that mean what they meant", (kind) => {
    expect(recording[kind]).not.toEqual([]);
    for (const one of recording[kind]) expect(plain(read[kind](bytesOf(one)))).toMatchObject(one.means as object);
  });

  it("has a sentinel that means what it meant", () => {
    expect(read.sentinel(bytesOf(recording.sentinel))).toBe(recording.sentinel.means);
  });

  it("was written by contracts that those of this build do not break", async () => {
    const contracts = fileURLToPath(new URL(name.replace(".json", ".binpb"), FOLDER));
    const check = promisify(execFile)("node_modules/.bin/buf", ["breaking", "proto", "--against", contracts], {
      cwd: ROOT,
    });
    await expect(check).resolves.toMatchObject({ stdout: "" });
  });

  it("has a log that gives the rows it gave", () => {
    expect(rowsOf(recording.log.map(bytesOf))).toMatchObject(recording.rows as object);
  });
});

describe("the recordings", () => {
  const kindsIn = (kind: "log" | "config") => {
    const found = recordings.flatMap(([, recording]) => recording[kind]).map(({ means }) => JSON.stringify(means));
    return (wanted: string) => found.some((text) => text.includes(`"kind":"${wanted}"`));
  };

  it.each(logKinds)("hold %s of the log", (kind) => {
    expect(kindsIn("log")(kind), "record this build: node test/recorded/record.ts").toBe(true);
  });

  it.each(configKinds)("hold %s of the configuration", (kind) => {
    expect(kindsIn("config")(kind), "record this build: node test/recorded/record.ts").toBe(true);
  });
});
