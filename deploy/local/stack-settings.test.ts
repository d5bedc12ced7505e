import { expect, test } from "vitest";
import { readStackSettings } from "./stack-settings.ts";

test("an empty environment gives the documented ports and the folder .posthorn of the project", () => {
  expect(readStackSettings({}, "/project")).toEqual({
    kind: "settings",
    settings: { dataDir: "/project/.posthorn", ports: { api: 8080, ingest: 8081, ingestGrpc: 9091 } },
  });
});

test("a relative data folder lies in the project, an absolute one where it says", () => {
  const dataDirOf = (folder: string): unknown => readStackSettings({ POSTHORN_DATA_DIR: folder }, "/project");
  expect(dataDirOf("other")).toMatchObject({ settings: { dataDir: "/project/other" } });
  expect(dataDirOf("/var/posthorn")).toMatchObject({ settings: { dataDir: "/var/posthorn" } });
});

test("ports that are none, and ports that are the same, are refused", () => {
  expect(readStackSettings({ POSTHORN_API_PORT: "70000" }, "/")).toEqual({
    kind: "refused",
    message: 'POSTHORN_API_PORT is "70000"; it must be a port from 0 to 65535.',
  });
  expect(readStackSettings({ POSTHORN_INGEST_PORT: "http" }, "/")).toMatchObject({ kind: "refused" });
  expect(readStackSettings({ POSTHORN_INGEST_PORT: "8080" }, "/")).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("must be different ports"),
  });
});

test("port 0 may be asked for several times", () => {
  const env = { POSTHORN_API_PORT: "0", POSTHORN_INGEST_PORT: "0", POSTHORN_INGEST_GRPC_PORT: "0" };
  expect(readStackSettings(env, "/")).toMatchObject({ settings: { ports: { api: 0, ingest: 0, ingestGrpc: 0 } } });
});
