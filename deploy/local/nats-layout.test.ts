import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { natsFolder, refuseLayout, withReplicas } from "./nats-layout.ts";

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "posthorn-layout-"));
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test("a new data folder takes either layout, and one that was begun takes its own again", () => {
  expect(refuseLayout({}, dataDir, "single")).toBeUndefined();
  expect(refuseLayout({}, dataDir, "cluster")).toBeUndefined();
  mkdirSync(natsFolder(dataDir, "cluster"));
  expect(refuseLayout({}, dataDir, "cluster")).toBeUndefined();
});

test.for([
  ["single", "cluster", /holds the streams of a single NATS server: leave --nats-cluster out, or set another/],
  ["cluster", "single", /holds the streams of a NATS cluster: start it with --nats-cluster, or set another/],
] as const)("a data folder that was begun %s refuses to go on as %s, in one sentence", ([begun, wanted, message]) => {
  mkdirSync(natsFolder(dataDir, begun));
  expect(refuseLayout({}, dataDir, wanted)).toMatch(message);
});

test("servers that the environment names cannot be made a cluster, and do not ask for a folder", () => {
  const env = { NATS_URL: "nats://elsewhere:4222" };
  expect(refuseLayout(env, dataDir, "cluster")).toMatch(/--nats-cluster .* NATS_URL .* leave one of the two out/);
  mkdirSync(natsFolder(dataDir, "cluster"));
  expect(refuseLayout(env, dataDir, "single")).toBeUndefined();
});

test("the services of a cluster keep everything three times, unless the environment says otherwise", () => {
  expect(withReplicas({}, "single")).toEqual({});
  expect(withReplicas({ POSTHORN_NATS_REPLICAS: "" }, "cluster")).toEqual({ POSTHORN_NATS_REPLICAS: "3" });
  expect(withReplicas({ POSTHORN_NATS_REPLICAS: "1" }, "cluster")).toEqual({ POSTHORN_NATS_REPLICAS: "1" });
});
