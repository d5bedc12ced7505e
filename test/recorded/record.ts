/**
 * Records what this build writes, as the next files of `versions/`, with the contracts it is written by:
 * `node test/recorded/record.ts`. To be run when something is stored that no recording holds yet. Recordings are never
 * changed: data like theirs is out there.
 */

import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  encodeConfigValue,
  encodeEventGroup,
  encodeLogEvents,
  encodeSentinel,
  encodeWorkBundle,
  encodeWorkItem,
} from "@posthorn/contracts";
import { configEntries } from "./config-samples.ts";
import { plain, type Recorded, type Recording, read, rowsOf } from "./recording.ts";
import { bundledItems, eventGroups, logMessages, releasedItems } from "./samples.ts";

const FOLDER = new URL("./versions/", import.meta.url);
const EPOCH_MS = Date.parse("2026-03-01T00:00:00Z");
const DELETED_AT_MS = Date.parse("2026-03-24T13:37:00Z");

function recorded(kind: keyof typeof read, bytes: Uint8Array): Recorded {
  const stored = Buffer.from(bytes);
  return { bytes: stored.toString("base64"), means: plain(read[kind](stored)) };
}

function recordThisBuild(): Recording {
  const log = logMessages().map((events) => Buffer.from(encodeLogEvents(events)));
  const configValues = configEntries.map((entry) => ({ kind: "present", version: 3, entry }) as const);
  return {
    log: log.map((bytes) => recorded("log", bytes)),
    ingest: eventGroups.map((events) => recorded("ingest", encodeEventGroup(events))),
    work: [...releasedItems.map(encodeWorkItem), ...bundledItems.map(encodeWorkBundle)].map((bytes) =>
      recorded("work", bytes),
    ),
    config: [...configValues, { kind: "deleted", version: 4 } as const].map((value) =>
      recorded("config", encodeConfigValue(value, DELETED_AT_MS)),
    ),
    sentinel: recorded("sentinel", encodeSentinel(EPOCH_MS)),
    rows: rowsOf(log),
  };
}

const run = promisify(execFile);
const taken = (await readdir(FOLDER)).map((name) => Number.parseInt(name, 10));
const name = String(Math.max(0, ...taken) + 1).padStart(4, "0");
const file = (ending: string) => fileURLToPath(new URL(`${name}.${ending}`, FOLDER));
await writeFile(file("json"), JSON.stringify(recordThisBuild()), { flag: "wx" });
const cwd = fileURLToPath(new URL("../..", import.meta.url));
await run("node_modules/.bin/biome", ["format", "--write", file("json")], { cwd });
await run("node_modules/.bin/buf", ["build", "proto", "--output", file("binpb")], { cwd });
console.log(`recorded as test/recorded/versions/${name}.json and .binpb`);
