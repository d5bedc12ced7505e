import { expect, test } from "vitest";
import { openTestBus } from "./bus.fixture.ts";
import { ensureStreams, STREAM_BYTES_MAX_DEFAULT } from "./streams.ts";

const SETTINGS = { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT };

test("what another version has added to a stream's subjects stays, what is missing is added", async () => {
  await using bus = await openTestBus();
  const { streams } = bus.connection.manager;
  await ensureStreams(bus.connection, SETTINGS);
  const { config } = await streams.info("LOG");
  await streams.update("LOG", { subjects: [...config.subjects, "log.*.later"] });
  await ensureStreams(bus.connection, SETTINGS);
  expect((await streams.info("LOG")).config.subjects).toEqual([...config.subjects, "log.*.later"]);

  await streams.update("LOG", { subjects: ["log.*.later"] });
  await ensureStreams(bus.connection, SETTINGS);
  expect((await streams.info("LOG")).config.subjects).toEqual(["log.*.later", ...config.subjects]);
});
