import { type LogEvent, type LogFact, parseWebhookId } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keysAffectedBy, type LogMessage } from "./fold-batch.ts";
import {
  ACCEPTED_AT_MS,
  deliveryEvents,
  EPOCH_MS,
  logOf,
  MemoryProjection,
  organisationEvents,
  REPLAY,
} from "./log.fixture.ts";

const delivery = deliveryEvents();
const { deliveryId, webhookId, eventId, facts } = delivery;
const NEXT_AT_MS = ACCEPTED_AT_MS + 60_000;

/** The rows after the messages, each a batch of its own. */
function after(...messages: readonly (readonly LogFact[])[]): MemoryProjection {
  const projection = new MemoryProjection();
  for (const message of logOf(...messages)) projection.project([message]);
  return projection;
}

describe("a delivery", () => {
  test("that was created and succeeded has its row, its event and nothing that waits", () => {
    const projection = after([delivery.created()], [delivery.succeeded(1)]);
    expect(projection.deliveries.get(deliveryId)).toMatchObject({
      createdAtMs: ACCEPTED_AT_MS + 5,
      creation: { eventType: facts.type, place: facts.place },
      state: { kind: "delivered", progress: { attemptCount: 1 } },
      log: [
        { epochMs: EPOCH_MS, sequence: 1 },
        { epochMs: EPOCH_MS, sequence: 2 },
      ],
    });
    expect(projection.events.get(eventId)?.facts).toEqual(facts);
    expect(projection.retryDue.size).toBe(0);
  });

  test("whose outcome comes before its creation is whole once both are there", () => {
    const projection = after([delivery.succeeded(1)]);
    expect(projection.deliveries.get(deliveryId)).toMatchObject({ creation: undefined, state: { kind: "delivered" } });
    projection.project(logOf([], [delivery.created()]));
    expect(projection.deliveries.get(deliveryId)).toMatchObject({
      createdAtMs: ACCEPTED_AT_MS + 5,
      creation: { profile: "standard" },
      state: { kind: "delivered" },
    });
  });

  test.each([
    ["delivered", [delivery.succeeded(2)]],
    ["exhausted", [delivery.failed(2, undefined), delivery.exhausted(2)]],
    ["cancelled", [delivery.cancelled()]],
  ])("whose creation was lost ends as its outcome says: %s", (kind, events) => {
    expect(after(events).deliveries.get(deliveryId)).toMatchObject({ state: { kind }, creation: undefined });
  });

  test("whose creation was lost, and is told once more, waits for its retry", () => {
    const projection = after([delivery.failed(1, ACCEPTED_AT_MS + 60_000)], [delivery.created()]);
    expect(projection.deliveries.get(deliveryId)?.state.kind).toBe("scheduled");
    expect(projection.retryDue.get(deliveryId)).toMatchObject({ attempt: 2, dueAtMs: ACCEPTED_AT_MS + 60_000 });
  });

  test("keeps the first outcome of an attempt and counts that it was made again", () => {
    const again = delivery.failed(1, NEXT_AT_MS, { dispatcher: "dispatcher-2" });
    const projection = after([delivery.created(), delivery.succeeded(1)], [again]);
    expect(projection.deliveries.get(deliveryId)?.state).toMatchObject({
      kind: "delivered",
      progress: { repeatedAttempts: 1 },
    });
    expect(projection.repeats).toBe(1);
  });

  test("that was cancelled while an attempt was in flight counts that attempt, and names the message that tells of it", () => {
    const projection = after([delivery.created(), delivery.cancelled()], [delivery.succeeded(1)]);
    expect(projection.deliveries.get(deliveryId)).toMatchObject({
      state: { kind: "cancelled", progress: { attemptCount: 1 } },
      log: [{ sequence: 1 }, { sequence: 2 }],
    });
  });

  test("of which two events share a message has that message once in its log", () => {
    const projection = after([delivery.created(), delivery.failed(1, undefined), delivery.exhausted(1)]);
    expect(projection.deliveries.get(deliveryId)?.log).toEqual([{ epochMs: EPOCH_MS, sequence: 1 }]);
  });
});

describe("what waits for its time", () => {
  test("is the next attempt after a failure", () => {
    const projection = after([delivery.created()], [delivery.failed(1, NEXT_AT_MS)]);
    expect(projection.retryDue.get(deliveryId)).toMatchObject({
      kind: "retry",
      dueAtMs: NEXT_AT_MS,
      attempt: 2,
      release: 0,
    });
  });

  test("is the attempt that was parked, as a new release", () => {
    const projection = after([delivery.created()], [delivery.failed(1, NEXT_AT_MS)], [delivery.deferred(2, 1)]);
    expect(projection.retryDue.get(deliveryId)).toMatchObject({ kind: "parked", attempt: 2, release: 1 });
  });

  test("remembers that somebody may have sent it before it was parked", () => {
    const [sent, unsent] = [delivery.deferred(1, 2), delivery.deferred(1, 1)];
    expect(after([delivery.created()], [unsent]).retryDue.get(deliveryId)).toMatchObject({ mayHaveBeenSent: false });
    expect(after([delivery.created()], [sent]).retryDue.get(deliveryId)).toMatchObject({ mayHaveBeenSent: true });
  });

  test.each([
    ["succeeded", delivery.succeeded(2)],
    ["cancelled", delivery.cancelled()],
    ["exhausted", delivery.exhausted(2)],
  ])("is nothing once the delivery is %s", (_, end) => {
    const projection = after([delivery.created()], [delivery.failed(1, NEXT_AT_MS)], [end]);
    expect(projection.retryDue.size).toBe(0);
  });

  test("is nothing as long as the creation is unknown, since no work item could be made", () => {
    const projection = after([delivery.failed(1, NEXT_AT_MS)]);
    expect(projection.retryDue.size).toBe(0);
    projection.project([{ position: { epochMs: EPOCH_MS, sequence: 2 }, events: [delivery.created()] }]);
    expect(projection.retryDue.get(deliveryId)).toMatchObject({ kind: "retry", attempt: 2 });
  });

  test("stays released when the log is read again", () => {
    const log = logOf([delivery.created()], [delivery.failed(1, NEXT_AT_MS)]);
    const projection = after(...log.map((message) => message.events));
    projection.retryDue.clear();
    projection.project(log);
    expect(projection.retryDue.size).toBe(0);
  });
});

describe("a webhook's health", () => {
  test("follows the outcomes that count, each once", () => {
    const other = deliveryEvents(2, webhookId);
    const projection = after(
      [delivery.created(), other.created()],
      [delivery.failed(1, NEXT_AT_MS), other.failed(1, NEXT_AT_MS)],
      [delivery.failed(1, NEXT_AT_MS)],
    );
    expect(projection.health.get(webhookId)).toMatchObject({ consecutiveFailures: 2, lastErrorClass: "status" });
    projection.project([{ position: { epochMs: EPOCH_MS, sequence: 9 }, events: [other.succeeded(2)] }]);
    expect(projection.health.get(webhookId)).toMatchObject({ consecutiveFailures: 0, lastStatusCode: 200 });
  });
});

test("an event that matched nothing is known as an event only", () => {
  const projection = after([delivery.unmatched()]);
  expect(projection.events.get(eventId)?.facts).toEqual(facts);
  expect(projection.deliveries.size).toBe(0);
});

describe("a delivery that was born parked", () => {
  test("waits for its release at once", () => {
    const projection = after([delivery.bornParked()]);
    expect(projection.retryDue.get(deliveryId)).toMatchObject({
      kind: "parked",
      reason: "ordered",
      dueAtMs: ACCEPTED_AT_MS + 5,
      attempt: 1,
      release: 0,
    });
  });
});

describe("a delivery of which a person wants one more attempt", () => {
  test("waits for it, as a new release, although it had ended", () => {
    const projection = after([delivery.created()], [delivery.succeeded(1)], [delivery.retried(2, 1)]);
    expect(projection.retryDue.get(deliveryId)).toMatchObject({
      kind: "retry",
      attempt: 2,
      release: 1,
      isOnly: true,
    });
    expect(projection.deliveries.get(deliveryId)?.state.kind).toBe("scheduled");
    projection.project(logOf([], [], [], [delivery.succeeded(2)]));
    expect(projection.retryDue.size).toBe(0);
    expect(projection.deliveries.get(deliveryId)?.state.kind).toBe("delivered");
    expect(projection.deliveries.get(deliveryId)?.log.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });
});

describe("what happens to no delivery", () => {
  const { circuit, replayStarted, replayProgressed, replayFinished, disabled, changed } = organisationEvents;

  test("a circuit is part of its webhook's health", () => {
    const projection = after([circuit("circuit.opened", 1)]);
    expect(projection.health.get(webhookId)?.circuit).toMatchObject({ kind: "open", generation: 1 });
    projection.project(logOf([circuit("circuit.closed", 1)]));
    expect(projection.health.get(webhookId)?.circuit).toMatchObject({ kind: "closed", generation: 1 });
  });

  test("a replay runs from its start to its end, whatever is read again", () => {
    const projection = after([replayStarted()], [replayProgressed(2)], [replayProgressed(5)]);
    expect(projection.replays.get(REPLAY)).toMatchObject({ progress: { done: 5 }, finishedAtMs: undefined });
    projection.project(logOf([replayProgressed(2)]));
    expect(projection.replays.get(REPLAY)).toMatchObject({ progress: { done: 5, cursor: "after 5" } });
    projection.project(logOf([replayFinished()], [replayProgressed(6)]));
    expect(projection.replays.get(REPLAY)).toMatchObject({
      progress: { done: 8 },
      finishedAtMs: ACCEPTED_AT_MS + 20_000,
    });
  });

  test("of several disablings of one version the first stays, in one batch or in two", () => {
    const [first, second] = [disabled(3), { ...disabled(3), atMs: ACCEPTED_AT_MS + 90_000 }];
    const atMs = (projection: MemoryProjection) => [...projection.disablings.values()].map((row) => row.atMs);
    expect(atMs(after([first, second]))).toEqual([first.atMs]);
    expect(atMs(after([first], [second]))).toEqual([first.atMs]);
  });

  test("each disabling and each change is kept once", () => {
    const projection = after([disabled(3), changed("a")], [disabled(3), changed("a"), changed("b")]);
    expect([projection.disablings.size, projection.audit.size]).toEqual([1, 2]);
  });
});

test("a batch names its deliveries, those that it makes, and the webhooks whose health it changes", () => {
  const other = deliveryEvents(2, webhookId);
  const keys = keysAffectedBy(
    logOf([delivery.created(), other.succeeded(1)], [delivery.succeeded(1)], [other.created()]),
  );
  expect(keys).toEqual({
    deliveries: [deliveryId, other.deliveryId],
    webhooks: [webhookId],
    replays: [],
    born: new Set([deliveryId]),
  });
});

const OTHER_WEBHOOK = parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad91");
const DELIVERIES = [deliveryEvents(1), deliveryEvents(2), deliveryEvents(3, OTHER_WEBHOOK)];

const ANY_KINDS = [
  ...(["created", "bornParked", "skipped", "deferred", "retried", "succeeded", "failed", "last"] as const),
  ...(["exhausted", "cancelled", "opened", "closed", "replayStarted", "replayProgressed", "replayFinished"] as const),
  ...(["disabled", "changed"] as const),
];

/**
 * Decisions about three deliveries, their webhooks and a replay in any order, whether or not it makes sense, with
 * duplicates and repeats. What one decision says stands in one message: the last outcome with the end that it is.
 */
const anyDecision = (dispatchers: readonly string[]): fc.Arbitrary<readonly LogEvent[]> =>
  fc
    .record({
      events: fc.constantFrom(...DELIVERIES),
      number: fc.integer({ min: 1, max: 4 }),
      dispatcher: fc.constantFrom(...dispatchers),
      kind: fc.constantFrom(...ANY_KINDS),
    })
    .map(({ events, number, dispatcher, kind }) => {
      if (kind === "last") return [events.failed(number, undefined, { dispatcher }), events.exhausted(number)];
      return [eventOf(kind, events, number, dispatcher)];
    });

function eventOf(
  kind: Exclude<(typeof ANY_KINDS)[number], "last">,
  events: (typeof DELIVERIES)[number],
  number: number,
  dispatcher: string,
): LogEvent {
  switch (kind) {
    case "deferred":
      return events.deferred(number, number);
    case "succeeded":
      return events.succeeded(number, { dispatcher });
    case "failed":
      return events.failed(number, NEXT_AT_MS + number, { dispatcher });
    case "exhausted":
      return events.exhausted(number);
    case "retried":
      return events.retried(number, number);
    case "opened":
      return organisationEvents.circuit("circuit.opened", number);
    case "closed":
      return organisationEvents.circuit("circuit.closed", number);
    case "replayStarted":
    case "replayFinished":
      return organisationEvents[kind]();
    case "replayProgressed":
      return organisationEvents.replayProgressed(number);
    case "disabled":
      return organisationEvents.disabled(number);
    case "changed":
      return organisationEvents.changed(`change-${number}`);
    default:
      return events[kind]();
  }
}

const anyLog = (dispatchers: readonly string[]): fc.Arbitrary<readonly LogMessage[]> =>
  fc
    .array(fc.array(anyDecision(dispatchers), { maxLength: 4 }), { maxLength: 20 })
    .map((messages) => messages.map((decisions) => decisions.flat()))
    // A replay's pages are only made of what its start has put into the projection.
    .map((messages) => logOf([organisationEvents.replayStarted()], ...messages));

test("whatever way a log is cut into batches, the rows are the same", () => {
  fc.assert(
    fc.property(anyLog(["a", "b"]), fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (log, sizes) => {
      const whole = new MemoryProjection();
      whole.project(log);
      const inBatches = new MemoryProjection();
      for (let at = 0; at < log.length; ) {
        const size = sizes.next().value;
        inBatches.project(log.slice(at, at + size));
        at += size;
      }
      expect(inBatches.rows()).toEqual(whole.rows());
    }),
    { numRuns: 500 },
  );
});

test("a log that is read again, as another epoch and from any place on, changes nothing", () => {
  fc.assert(
    fc.property(anyLog(["a"]), fc.nat(), (log, from) => {
      const projection = new MemoryProjection();
      projection.project(log);
      const before = projection.rows();
      const again = log.slice(log.length === 0 ? 0 : from % log.length);
      const changes = projection.project(
        again.map(({ position, events }) => ({ position: { ...position, epochMs: EPOCH_MS + 1 }, events })),
      );
      expect(projection.rows()).toEqual(before);
      expect(changes.deliveries).toEqual([]);
      expect(changes.retryDue).toEqual([]);
      expect(changes.retryDueDeleted).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
