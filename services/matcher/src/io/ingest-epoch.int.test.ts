import { BusConnection, ensureStreams, STREAM_BYTES_MAX_DEFAULT, streamPosition } from "@posthorn/message-bus";
import { startTestNats, waitUntil } from "@posthorn/testkit";
import { expect, it } from "vitest";
import { IngestEpoch } from "./ingest-epoch.ts";

const STREAMS = { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT };

it("is not known until the stream is there, nor after it may have been replaced, until it is asked again", async () => {
  await using nats = await startTestNats();
  await using connection = await BusConnection.open({ servers: nats.url, name: "test" });
  const troubles: string[] = [];
  using epoch = new IngestEpoch(connection, (reason) => troubles.push(reason));
  await waitUntil(() => troubles.length > 0, { describe: "a complaint that there is no stream" });
  expect(epoch.epochMs).toBeUndefined();

  await ensureStreams(connection, STREAMS);
  const first = (await streamPosition(connection, "INGEST")).epochMs;
  await waitUntil(() => epoch.epochMs === first, { describe: "the epoch of the stream" });

  await connection.manager.streams.delete("INGEST");
  epoch.forget();
  expect(epoch.epochMs).toBeUndefined();
  await ensureStreams(connection, STREAMS);
  const second = (await streamPosition(connection, "INGEST")).epochMs;
  expect(second).toBeGreaterThan(first);
  await waitUntil(() => epoch.epochMs === second, { describe: "the epoch of the new stream" });
});

it("is asked again after every reconnect", async () => {
  await using nats = await startTestNats();
  await using connection = await BusConnection.open({ servers: nats.url, name: "test" });
  await ensureStreams(connection, STREAMS);
  using epoch = new IngestEpoch(connection, () => {});
  await waitUntil(() => epoch.epochMs !== undefined, { describe: "the epoch of the stream" });
  await nats.server.kill("SIGKILL");
  await waitUntil(() => epoch.epochMs === undefined, { describe: "the epoch to be forgotten" });
  await nats.server.restart();
  await waitUntil(() => epoch.epochMs !== undefined, { timeoutMs: 15_000, describe: "the epoch to be known again" });
});
