import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { type AnnouncementFacts, announcement } from "./announcement.ts";

const facts: AnnouncementFacts = {
  stack: {
    apiUrl: "http://127.0.0.1:8080",
    ingestUrl: "http://127.0.0.1:8081",
    ingestGrpcAddress: "127.0.0.1:9091",
    natsUrl: "nats://user:password@127.0.0.1:4222",
    natsLayout: "single",
    adminKey: "ph_sk_0",
    dataDir: "/data",
  },
  env: { POSTHORN_ALLOW_HTTP: "false" },
  orgId: "org_1",
  receiverUrl: "http://127.0.0.1:20000",
};
const text = announcement(facts);

/** What a shell hands to curl when the line is pasted. */
function pasted(line: string): readonly string[] {
  const shell = spawnSync("sh", ["-c", `curl() { printf '%s\\n' "$@"; }\n${line}`], { encoding: "utf8" });
  return shell.stdout.trimEnd().split("\n");
}

test("the three commands survive being pasted into a shell", () => {
  const [subscribe = [], publish = [], watch = []] = text
    .split("\n")
    .filter((line) => line.trim().startsWith("curl "))
    .map(pasted);
  expect(subscribe.at(-1)).toBe("http://127.0.0.1:8080/v1/orgs/org_1/webhooks");
  expect(subscribe).toContain('{"url":"http://127.0.0.1:20000/hello","events":["agent.*"]}');
  expect(publish.at(-1)).toBe("http://127.0.0.1:8081/v1/orgs/org_1/events");
  expect(publish).toContain('{"type":"agent.started","data":{"hello":"world"}}');
  expect(watch.at(-1)).toBe("http://127.0.0.1:8080/v1/orgs/org_1/deliveries?limit=5");
  for (const command of [subscribe, publish, watch]) expect(command).toContain("Authorization: Bearer ph_sk_0");
});

test("what makes this machine special is said, with the values in effect", () => {
  expect(text).toContain("POSTHORN_ALLOWED_TARGETS=127.0.0.0/8,::1/128 POSTHORN_ALLOW_HTTP=false");
  expect(text).toContain("at most 256 KiB of data");
  expect(text).toContain("kept for 30 days");
  const shorter = announcement({ ...facts, env: { POSTHORN_RETENTION_DAYS: "8" } });
  expect(shorter).toContain("kept for 8 days");
  expect(text).toContain("ph_sk_0");
});

test("passwords in addresses are masked", () => {
  expect(text).toContain("nats://***@127.0.0.1:4222");
  expect(text).not.toContain("password@");
});

test("a NATS cluster is said to be one, each of its addresses without its password", () => {
  const natsUrl = "nats://user:password@127.0.0.1:1,nats://user:password@127.0.0.1:2,nats://127.0.0.1:3";
  const ofCluster = announcement({ ...facts, stack: { ...facts.stack, natsUrl, natsLayout: "cluster" } });
  expect(ofCluster).toContain("nats://***@127.0.0.1:1,nats://***@127.0.0.1:2,nats://127.0.0.1:3 (a cluster of three)");
  expect(ofCluster).not.toContain("password@");
  expect(text).not.toContain("cluster");
});
