import { expect, test } from "vitest";
import { renderNatsConfig } from "./nats-config.ts";

const options = {
  host: "127.0.0.1",
  port: 20_001,
  storeDir: "/data/a folder",
  maxPayloadBytes: 1_048_576,
  monitoringPort: undefined,
  cluster: undefined,
};

const cluster = {
  serverName: "nats-1",
  clusterName: "posthorn",
  routePort: 20_011,
  peerRoutePorts: [20_012, 20_013],
  syncsAlways: false,
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

test("a server of a cluster has its name, and routes to the others on the same address", () => {
  expect(renderNatsConfig({ ...options, cluster })).toBe(
    [
      'listen: "127.0.0.1:20001"',
      "max_payload: 1048576",
      'jetstream { store_dir: "/data/a folder" }',
      'server_name: "nats-1"',
      "cluster {",
      '  name: "posthorn"',
      '  listen: "127.0.0.1:20011"',
      '  routes: ["nats-route://127.0.0.1:20012", "nats-route://127.0.0.1:20013"]',
      "}",
      "",
    ].join("\n"),
  );
});

test("a cluster syncs every message where its servers know how to", () => {
  expect(renderNatsConfig({ ...options, cluster: { ...cluster, syncsAlways: true } })).toContain(
    'jetstream { store_dir: "/data/a folder", sync_interval: always }\n',
  );
});
