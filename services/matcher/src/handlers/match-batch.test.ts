import { describe, expect, it } from "vitest";
import { ACCEPTED_AT_MS, event, orgId, PASSES, placed, present, webhookId } from "../core/matcher.fixture.ts";
import { SubscriptionDirectory } from "../core/subscription-directory.ts";
import { type MatchPorts, matchBatch } from "./match-batch.ts";
import type { Part } from "./take-batch.ts";

const SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const OF_SPAN = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
const KEY = { orgId: orgId(1), webhookId: webhookId(1) };

function part(...traceparents: readonly string[]): Part {
  const events = traceparents.map((traceparent) => placed({ ...event(), traceparent }));
  return { partition: 0, messages: [], events, load: { entries: events.length, bytes: 0 } };
}

function portsWith(changes: Partial<MatchPorts>) {
  const parents: (string | undefined)[] = [];
  const span = { traceparent: OF_SPAN, setAttributes() {}, fail() {}, end() {} };
  const ports: MatchPorts = {
    configuration: { barrier: async () => 40, appliedRevision: 40 },
    directory: new SubscriptionDirectory(),
    tracing: {
      enabled: true,
      startSpan: (_name, { parent }) => {
        parents.push(parent);
        return span;
      },
    },
    events: { batchMatched() {}, eventMatched() {}, filterFailed() {} },
    filters: { evaluatorOf: () => PASSES },
    inlineBytesMax: 1_000,
    nowMs: () => ACCEPTED_AT_MS,
    monotonicMs: () => 0,
    ...changes,
  };
  return { ports, parents };
}

describe("matchBatch", () => {
  it("matches against what is configured once the barrier is passed, not before", async () => {
    const directory = new SubscriptionDirectory();
    directory.apply(KEY, present(1, { patterns: ["agent.*"] }));
    const configuration = {
      barrier: async () => {
        directory.apply(KEY, { kind: "deleted", version: 2 });
        directory.apply({ ...KEY, webhookId: webhookId(2) }, present(1, { id: webhookId(2) }));
        return 40;
      },
      appliedRevision: 40,
    };
    const [matched] = await matchBatch(portsWith({ directory, configuration }).ports, [part("")]);
    expect(matched?.matches[0]?.subscriptions.map((one) => one.webhookId)).toEqual([webhookId(2)]);
  });

  it("names the revision that it matched against, which may be later than its marker", async () => {
    const configuration = { barrier: async () => 40, appliedRevision: 43 };
    const [matched] = await matchBatch(portsWith({ configuration }).ports, [part("")]);
    expect(matched?.terms.configRevision).toBe(43);
  });

  it("looks at an event's data only when a filter asks, and counts what says neither yes nor no", async () => {
    const opened: string[] = [];
    let failed = 0;
    const filters: MatchPorts["filters"] = {
      evaluatorOf: ({ type }) => {
        opened.push(type);
        return (filter) => (filter === "broken" ? { kind: "error", message: "" } : { kind: "fails" });
      },
    };
    const events = {
      batchMatched() {},
      eventMatched() {},
      filterFailed: () => {
        failed += 1;
      },
    };
    const [matched] = await matchBatch(portsWith({ filters, events }).ports, [part("")]);
    expect(opened).toEqual([]);
    const evaluate = matched?.matches[0]?.evaluate;
    expect(evaluate?.("broken").kind).toBe("error");
    expect(evaluate?.("sound").kind).toBe("fails");
    expect(opened).toEqual(["agent.status"]);
    expect(failed).toBe(1);
  });

  it("continues the trace of an event that is traced, and only of that", async () => {
    const { ports, parents } = portsWith({});
    const [matched] = await matchBatch(ports, [part(SAMPLED, NOT_SAMPLED, "nonsense")]);
    expect(parents).toEqual([SAMPLED]);
    expect(matched?.matches.map(({ traceparent }) => traceparent)).toEqual([OF_SPAN, NOT_SAMPLED, "nonsense"]);
    expect(matched?.spans).toHaveLength(1);
  });

  it("hands the publisher's trace on when nobody collects traces", async () => {
    const { ports, parents } = portsWith({});
    const [matched] = await matchBatch({ ...ports, tracing: { ...ports.tracing, enabled: false } }, [part(SAMPLED)]);
    expect(parents).toEqual([]);
    expect(matched?.matches[0]?.traceparent).toBe(SAMPLED);
  });
});
