import { expect, test } from "vitest";
import { renderNatsConfig } from "./nats-config.ts";

const options = {
  host: "127.0.0.1",
  port: 20_001,
  storeDir: "/data/a folder",
  maxPayloadBytes: 1_048_576,
  monitoringPort: undefined,
};

test("a configuration listens on one address, limits payloads and keeps streams in its folder", () => {
  expect(renderNatsConfig(options)).toBe(
    ['listen: "127.0.0.1:20001"', "max_payload: 1048576", 'jetstream { store_dir: "/data/a folder" }', ""].join("\n"),
  );
});

test("the monitoring pages are served only when asked for", () => {
  expect(renderNatsConfig({ ...options, monitoringPort: 20_002 })).toContain('http: "127.0.0.1:20002"\n');
  expect(renderNatsConfig(options)).not.toContain("http");
});
