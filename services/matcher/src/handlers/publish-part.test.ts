import { decodeLogEvents, decodeWorkItem } from "@posthorn/contracts";
import { deliveryIdOf, type EvaluateFilter, workIdOf } from "@posthorn/domain";
import type { PublishRequest, WorkMessage } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import { ACCEPTED_AT_MS, eventId, placed, subscription, webhookId } from "../core/matcher.fixture.ts";
import type { MatchedPart } from "./match-batch.ts";
import { type PublishPorts, publishPart } from "./publish-part.ts";

const PARTITION = 3;
const WEBHOOKS = 5;
const STEP = 2;

/** One event that goes to five webhooks, published in steps of two, and everything that happens in order. */
function scenario(
  options: {
    readonly answer?: (subject: string, nth: number) => boolean;
    readonly isOurs?: boolean;
    readonly filter?: string;
  } = {},
) {
  const happened: string[] = [];
  const requests: PublishRequest[] = [];
  let lastId = 0;
  const message: WorkMessage = {
    subject: `ingest.${PARTITION}`,
    data: new Uint8Array(),
    sequence: 1,
    storedAtMs: 0,
    partition: PARTITION,
    mayBeRepeat: false,
    leaseEndsAtMs: () => ((options.isOurs ?? true) ? Number.POSITIVE_INFINITY : 0),
    ack: () => happened.push("ack"),
    giveBack() {},
    working() {},
  };
  const subscriptions = Array.from({ length: WEBHOOKS }, (_, index) =>
    subscription({ webhookId: webhookId(index), filter: options.filter }),
  );
  const evaluate: EvaluateFilter = () => {
    happened.push("evaluates");
    return { kind: "fails" };
  };
  const span = {
    traceparent: "",
    setAttributes() {},
    fail: (type: string) => happened.push(`span fails: ${type}`),
    end: () => happened.push("span ends"),
  };
  const matched: MatchedPart = {
    part: { partition: PARTITION, messages: [message], events: [placed()], load: { entries: 1, bytes: 1 } },
    matches: [{ ...placed(), subscriptions, evaluate, traceparent: "" }],
    terms: { configRevision: 1, inlineBytesMax: 100, nowMs: ACCEPTED_AT_MS },
    spans: [span],
  };
  const ports: PublishPorts = {
    publisher: {
      publish: async (request) => {
        const nth = requests.push(request);
        happened.push(`sends ${request.subject}`);
        await Promise.resolve();
        const isStored = options.answer?.(request.subject, nth) ?? true;
        happened.push(`${isStored ? "stores" : "loses"} ${request.subject}`);
        return isStored;
      },
    },
    events: { stepLogged: () => {}, leaseLost: (messages) => happened.push(`drops ${messages}`) },
    bounds: { entriesMax: STEP, logBytesMax: 1e6, itemBytesMax: 1e6, evaluationsMax: STEP },
    newMessageId: () => {
      lastId += 1;
      return `log-${lastId}`;
    },
  };
  return { run: () => publishPart(ports, matched), happened, requests };
}

const count = (happened: readonly string[], what: string) => happened.filter((one) => one === what).length;

describe("publishing a part", () => {
  it("stores each message of the log before it sends the work that it names, and acknowledges at the end", async () => {
    const { run, happened, requests } = scenario();
    await run();
    const logged = new Set<string>();
    for (const { subject, payload, id } of requests) {
      if (subject === "log.3") {
        const lines = decodeLogEvents(payload);
        if (lines.kind === "decoded")
          for (const line of lines.value) if ("deliveryId" in line) logged.add(line.deliveryId);
      } else {
        const item = decodeWorkItem(payload);
        const deliveryId = item.kind === "decoded" ? item.value.deliveryId : undefined;
        expect(logged).toContain(deliveryId);
        expect(id).toBe(deliveryId && workIdOf(deliveryId, 1, 0));
      }
    }
    expect(logged.size).toBe(WEBHOOKS);
    expect(logged).toContain(deliveryIdOf(eventId(1), webhookId(0)));
    let logsStored = 0;
    let itemsSent = 0;
    for (const one of happened) {
      if (one === "stores log.3") logsStored += 1;
      if (one === "sends deliver.3") itemsSent += 1;
      expect(itemsSent).toBeLessThanOrEqual(logsStored * STEP);
    }
    expect(happened.slice(-2)).toEqual(["ack", "span ends"]);
    expect(count(happened, "stores deliver.3")).toBe(WEBHOOKS);
  });

  it("gives every message of the log an id of its own", async () => {
    const { run, requests } = scenario();
    await run();
    const ids = requests.flatMap(({ subject, id }) => (subject === "log.3" ? [id] : []));
    expect(ids).toEqual(["log-1", "log-2", "log-3"]);
  });

  it("has a payload ready that says it may be a repeat, for when it must be sent again", async () => {
    const { run, requests } = scenario();
    await run();
    const item = requests.find(({ subject }) => subject === "deliver.3");
    const marks = [item?.payload, item?.payloadOfRepeat?.()].map((payload) => {
      const decoded = decodeWorkItem(payload ?? new Uint8Array());
      return decoded.kind === "decoded" && decoded.value.possibleRepeat;
    });
    expect(marks).toEqual([false, true]);
  });

  it("sends no work and acknowledges nothing when the log is not known to be stored", async () => {
    const { run, happened } = scenario({ answer: (subject) => subject !== "log.3" });
    await run();
    expect(happened).toEqual(["sends log.3", "loses log.3", "drops 1", "span fails: lease_lost", "span ends"]);
  });

  it("acknowledges nothing when one work item is not known to be stored, and begins no further work", async () => {
    const { run, happened } = scenario({ answer: (_subject, nth) => nth !== 3 });
    await run();
    expect(count(happened, "loses deliver.3")).toBe(1);
    expect(count(happened, "sends deliver.3")).toBe(STEP);
    expect(happened).toContain("drops 1");
    expect(happened).not.toContain("ack");
  });

  it("lets others work between filters, and tells what became of the event at the end", async () => {
    const { run, happened } = scenario({ filter: "f" });
    setImmediate(() => happened.push("others work"));
    await run();
    const before = happened.indexOf("others work");
    expect(happened.slice(0, before)).toEqual(["evaluates", "evaluates"]);
    expect(count(happened, "evaluates")).toBe(WEBHOOKS);
    expect(happened.slice(-4)).toEqual(["sends log.3", "stores log.3", "ack", "span ends"]);
  });

  it("begins nothing for messages that are not ours any more", async () => {
    const { run, happened } = scenario({ isOurs: false });
    await run();
    expect(happened).toEqual(["drops 1", "span fails: lease_lost", "span ends"]);
  });
});
