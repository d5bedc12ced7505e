import { decodeLogEvents, decodeWork } from "@posthorn/contracts";
import { deliveryIdOf, type EvaluateFilter, type WorkItem, workBundleIdOf, workIdOf } from "@posthorn/domain";
import type { PublishRequest, WorkMessage } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import type { Lane } from "../core/lane-choice.ts";
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
    readonly itemsPerBundle?: number;
    readonly lane?: Lane;
    readonly dataBytes?: number;
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
    lane: "main",
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
  const event = placed({ data: Buffer.alloc(options.dataBytes ?? 2, "1") });
  const matched: MatchedPart = {
    part: { partition: PARTITION, messages: [message], events: [event], load: { entries: 1, bytes: 1 } },
    matches: [{ ...event, subscriptions, evaluate, traceparent: "" }],
    terms: { configRevision: 1, inlineBytesMax: 10_000, nowMs: ACCEPTED_AT_MS },
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
    lanes: { choose: (_partition, bundles) => bundles.map(() => options.lane ?? "main") },
    events: {
      stepLogged: () => {},
      leaseLost: (messages) => happened.push(`drops ${messages}`),
      backlogged: (items) => happened.push(`puts ${items} into the backlog`),
    },
    bounds: {
      entriesMax: 2 * STEP,
      logBytesMax: 1e6,
      itemBytesMax: 1e6,
      evaluationsMax: STEP,
      itemsMax: options.itemsPerBundle ?? 1,
      payloadBytesMax: 1e6,
    },
    newMessageId: () => {
      lastId += 1;
      return `log-${lastId}`;
    },
  };
  return { run: () => publishPart(ports, matched), happened, requests };
}

function itemsIn(payload: Uint8Array | undefined): readonly WorkItem[] {
  const decoded = decodeWork(payload ?? new Uint8Array());
  if (decoded.kind === "undecodable") throw new Error(decoded.reason);
  return decoded.value.flatMap((item) => (item.kind === "decoded" ? [item.value] : []));
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
        const [item] = itemsIn(payload);
        const deliveryId = item?.deliveryId;
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
    const marks = [item?.payload, item?.payloadOfRepeat?.()].map((payload) =>
      itemsIn(payload).map(({ possibleRepeat }) => possibleRepeat),
    );
    expect(marks).toEqual([[false], [true]]);
  });

  it("puts the items of a step into one message, known by all of them", async () => {
    const { run, requests } = scenario({ itemsPerBundle: 3 });
    await run();
    const bundles = requests.filter(({ subject }) => subject === "deliver.3");
    expect(bundles.map(({ payload }) => itemsIn(payload).map(({ webhookId: webhook }) => webhook))).toEqual([
      [webhookId(0), webhookId(1)],
      [webhookId(2), webhookId(3)],
      [webhookId(4)],
    ]);
    const [first] = bundles;
    const workIds = itemsIn(first?.payload).map(({ deliveryId }) => workIdOf(deliveryId, 1, 0));
    expect(first?.id).toBe(workBundleIdOf(workIds));
    expect(itemsIn(first?.payloadOfRepeat?.()).map(({ possibleRepeat }) => possibleRepeat)).toEqual([true, true]);
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

  it("leaves large payloads where they are stored in what goes to the backlog lane", async () => {
    const { run, happened, requests } = scenario({ lane: "backlog", dataBytes: 5_000, itemsPerBundle: STEP });
    await run();
    const [first] = requests.filter(({ subject }) => subject === "deliver.3.backlog");
    expect(itemsIn(first?.payload).map(({ event }) => event)).toEqual([undefined, undefined]);
    expect(itemsIn(first?.payloadOfRepeat?.()).map(({ event }) => event)).toEqual([undefined, undefined]);
    expect(count(happened, "puts 2 into the backlog")).toBe(2);
    expect(count(happened, "sends deliver.3")).toBe(0);
  });

  it("gives a bundle the same id in either lane, so that the stream knows it again", async () => {
    const [main, backlog] = [scenario({ itemsPerBundle: STEP }), scenario({ lane: "backlog", itemsPerBundle: STEP })];
    await Promise.all([main.run(), backlog.run()]);
    const ids = ({ requests }: typeof main) =>
      requests.flatMap(({ subject, id }) => (subject.startsWith("deliver.") ? [id] : []));
    expect(ids(backlog)).toEqual(ids(main));
    expect(ids(main)).toHaveLength(Math.ceil(WEBHOOKS / STEP));
    const small = backlog.requests.find(({ subject }) => subject === "deliver.3.backlog");
    expect(itemsIn(small?.payload).every(({ event }) => event !== undefined)).toBe(true);
  });

  it("begins nothing for messages that are not ours any more", async () => {
    const { run, happened } = scenario({ isOurs: false });
    await run();
    expect(happened).toEqual(["drops 1", "span fails: lease_lost", "span ends"]);
  });
});
