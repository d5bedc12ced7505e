import { expect, test } from "vitest";
import { knowsSyncInterval, parseNatsVersion } from "./nats-version.ts";

test.for([
  ["nats-server: v2.9.10", false],
  ["nats-server: v2.10.0", true],
  ["nats-server: v2.12.1-binary", true],
  ["nats-server: v3.0.0", true],
  ["nats-server: v1.99.0", false],
  ["something else", false],
] as const)("whether %j knows sync_interval is %j", ([text, expected]) => {
  expect(knowsSyncInterval(parseNatsVersion(text))).toBe(expected);
});
