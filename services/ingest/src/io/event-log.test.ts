import { setImmediate } from "node:timers/promises";
import { decodeEventGroup } from "@posthorn/contracts";
import { type AcceptedEvent, parseEventId, parseOrgId } from "@posthorn/domain";
import type { Published, PublishRequest } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";

const ID = "0199aaaa-0000-7000-8000-000000000001";
const STORED: Published = { kind: "stored", sequence: 7, duplicate: false };
const DUPLICATE: Published = { kind: "stored", sequence: 7, duplicate: true };

describe("EventLog", () => {
  it("sends the events of one turn together, in order", async () => {
    const { log, sent, answer } = openLog();
    const appended = ["1", "2", "3"].map((data) => log.append(event(data), undefined));
    await setImmediate();
    expect(sent.map(dataOf)).toEqual([["1", "2", "3"]]);
    answer(STORED);
    expect(await Promise.all(appended)).toEqual(Array(3).fill({ kind: "stored", sequence: 7, isRepeat: false }));
  });

  it("gathers what comes while two messages are on their way", async () => {
    const { log, sent, answer } = openLog();
    for (const data of ["1", "2", "3", "4"]) {
      void log.append(event(data), undefined);
      await setImmediate();
    }
    expect(sent.map(dataOf)).toEqual([["1"], ["2"]]);
    answer(STORED);
    await setImmediate();
    await setImmediate();
    expect(sent.map(dataOf)).toEqual([["1"], ["2"], ["3", "4"]]);
  });

  it("sends an event with a dedupe key alone under that key, and knows a repeat", async () => {
    const { log, sent, answer } = openLog();
    const appended = [log.append(event("1"), "key"), log.append(event("2"), undefined)];
    await setImmediate();
    expect(sent.map(({ id }) => id)).toEqual(["key", `group:${ID}`]);
    // The group was sent twice because its first answer was lost; that is nobody's repeat.
    answer(DUPLICATE);
    answer(DUPLICATE);
    expect(await Promise.all(appended)).toMatchObject([{ isRepeat: true }, { isRepeat: false }]);
  });

  it.each<[string, Published]>([
    ["not_durable", { kind: "unknown" }],
    ["not_durable", { kind: "refused", code: "other", message: "no" }],
    ["stream_full", { kind: "refused", code: "stream_full", message: "maximum bytes exceeded" }],
  ])("answers %s when the publish was %o", async (code, published) => {
    const { log, answer } = openLog();
    const appended = log.append(event("1"), undefined);
    await setImmediate();
    answer(published);
    expect(await appended).toEqual({ kind: "unavailable", code });
    expect(log.unstoredEvents).toBe(0);
  });

  it("refuses at once while there is no connection", async () => {
    const { log, sent } = openLog({ isConnected: false });
    expect(await log.append(event("1"), undefined)).toEqual({ kind: "unavailable", code: "not_durable" });
    await setImmediate();
    expect(sent).toEqual([]);
  });

  it("refuses beyond 20,000 unstored events, and takes more once some are stored", async () => {
    const { log, answer } = openLog();
    for (let count = 0; count < 20_000; count += 1) void log.append(event("1"), undefined);
    expect(await log.append(event("1"), undefined)).toEqual({ kind: "unavailable", code: "overloaded" });
    await setImmediate();
    answer(STORED);
    await setImmediate();
    void log.append(event("1"), undefined);
    expect(log.unstoredEvents).toBe(20_000 - 128 + 1);
  });

  it("refuses beyond 64 MiB of unstored events", async () => {
    const { log } = openLog();
    const large = event("x".repeat(256 * 1024));
    for (let count = 0; count < 255; count += 1) void log.append(large, undefined);
    expect(log.unstoredEvents).toBe(255);
    expect(await log.append(large, undefined)).toEqual({ kind: "unavailable", code: "overloaded" });
  });
});

/** A log whose publishes are answered by hand, oldest first. */
function openLog(connection: { isConnected: boolean } = { isConnected: true }) {
  const sent: PublishRequest[] = [];
  const waiting: ((published: Published) => void)[] = [];
  const publish = (request: PublishRequest) => {
    sent.push(request);
    return new Promise<Published>((resolve) => waiting.push(resolve));
  };
  const options = { messageBytesMax: () => 1_000_000, onMessageStored: () => {}, onTrouble: () => {} };
  const log = new EventLog(connection, { publish }, options);
  return { log, sent, answer: (published: Published) => waiting.shift()?.(published) };
}

function event(data: string): AcceptedEvent {
  const [id, orgId] = [parseEventId(ID), parseOrgId(ID)];
  if (id === undefined || orgId === undefined) throw new Error("not an id");
  const rest = { timestamp: undefined, acceptedAtMs: 1, traceparent: "", callerId: undefined, hops: 0 };
  return { ...rest, id, orgId, forWebhook: undefined, type: "a", data: Buffer.from(data) };
}

function dataOf({ payload }: PublishRequest): string[] {
  const group = decodeEventGroup(payload);
  if (group.kind === "undecodable") throw new Error(group.reason);
  return group.value.map(({ data }) => Buffer.from(data).toString());
}
