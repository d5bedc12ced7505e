import { decodeLogEvents } from "@posthorn/contracts";
import { type LogEvent, logEventId, type OrgId, partitionOf, type WebhookId } from "@posthorn/domain";
import type { Published, PublishRequest } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import { openLogWriter } from "./log-writer.ts";

const orgId = "0198c1f0-0000-7000-8000-000000000001" as OrgId;
const webhookId = "0198c1f0-0000-7000-8000-000000000002" as WebhookId;
const event = (generation: number, atMs = 1): LogEvent => ({
  kind: "circuit.closed",
  orgId,
  webhookId,
  generation,
  atMs,
});

function openWriter(bytesMax: number, answer: Published = { kind: "stored", sequence: 1, duplicate: false }) {
  const requests: PublishRequest[] = [];
  const publisher = {
    publish: async (request: PublishRequest) => {
      requests.push(request);
      return answer;
    },
  };
  return { requests, writeLog: openLogWriter(publisher, bytesMax) };
}

const eventsIn = (requests: readonly PublishRequest[]) =>
  requests.map(({ payload }) => {
    const decoded = decodeLogEvents(payload);
    return decoded.kind === "decoded" ? decoded.value.map(logEventId) : [];
  });

describe("the log writer", () => {
  it("cuts messages by their bytes, and loses nothing", async () => {
    const events = [1, 2, 3, 4, 5].map((generation) => event(generation));
    const { requests, writeLog } = openWriter(2_000);
    await writeLog(events);
    expect(eventsIn(requests)).toEqual(
      [events.slice(0, 2), events.slice(2, 4), events.slice(4)].map((part) => part.map(logEventId)),
    );
    expect(requests.every(({ subject }) => subject === `log.${partitionOf(orgId)}`)).toBe(true);
  });

  it("names a message for what it says, whenever it says it", async () => {
    const idOf = async (events: readonly LogEvent[]) => {
      const { requests, writeLog } = openWriter(10_000);
      await writeLog(events);
      return requests[0]?.id;
    };
    expect(await idOf([event(1)])).toBe(logEventId(event(1)));
    expect(await idOf([event(1), event(2)])).toBe(await idOf([event(1, 9), event(2, 9)]));
    expect(await idOf([event(1), event(2)])).not.toBe(await idOf([event(1), event(3)]));
  });

  it("writes nothing for nothing", async () => {
    const { requests, writeLog } = openWriter(10_000);
    await writeLog([]);
    expect(requests).toEqual([]);
  });

  it.each<Published>([
    { kind: "unknown" },
    { kind: "refused", code: "stream_full", message: "maximum bytes exceeded" },
  ])("rejects when it is not certain that all is stored: %j", async (answer) => {
    await expect(openWriter(10_000, answer).writeLog([event(1)])).rejects.toThrow(`log.${partitionOf(orgId)}`);
  });
});
