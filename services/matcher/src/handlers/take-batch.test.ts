import { encodeEventGroup } from "@posthorn/contracts";
import { type AcceptedEvent, partitionOf } from "@posthorn/domain";
import type { TakenMessage } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import { event, eventId, orgId, present, webhookId } from "../core/matcher.fixture.ts";
import { ENTRIES_PER_PARTITION_MAX, PartitionLoad } from "../core/partition-load.ts";
import { SubscriptionDirectory } from "../core/subscription-directory.ts";
import { takeBatch } from "./take-batch.ts";

const PARTITION = partitionOf(orgId(1));
const EPOCH_MS = 5;

type FakeMessage = TakenMessage & { isAcked: boolean };

function message(data: Uint8Array, partition = PARTITION, sequence = 1): FakeMessage {
  return {
    subject: `ingest.${partition}`,
    data,
    sequence,
    storedAtMs: 0,
    partition,
    lane: "main",
    mayBeRepeat: false,
    isRedelivered: false,
    leaseEndsAtMs: () => Number.POSITIVE_INFINITY,
    isAcked: false,
    ack() {
      this.isAcked = true;
    },
    giveBack() {},
    working() {},
  };
}

const group = (...events: readonly AcceptedEvent[]) => encodeEventGroup(events);

function takeFrom(waiting: TakenMessage[], options: { isOurs?: boolean; directory?: SubscriptionDirectory } = {}) {
  const setAside: unknown[] = [];
  let leasesLost = 0;
  const parts = takeBatch(
    {
      source: {
        take: (_max, accepts) => {
          const index = waiting.findIndex((one) => accepts(one.partition));
          return index < 0 ? [] : waiting.splice(index, 1);
        },
      },
      leases: { hold: () => options.isOurs ?? true, release: () => {} },
      load: new PartitionLoad(),
      directory: options.directory ?? new SubscriptionDirectory(),
      events: {
        setAside: (place) => setAside.push(place),
        leaseLost: (messages) => {
          leasesLost += messages;
        },
      },
    },
    EPOCH_MS,
  );
  return { parts, setAside, leasesLost };
}

describe("a batch", () => {
  it("holds every event with its place, by partition", () => {
    const elsewhere = orgId(2);
    const { parts } = takeFrom([
      message(group(event({ id: eventId(1) }), event({ id: eventId(2) })), PARTITION, 11),
      message(group(event({ id: eventId(3), orgId: elsewhere })), partitionOf(elsewhere), 12),
    ]);
    const places = parts.map(({ partition, events }) => [partition, events.map(({ place }) => place)]);
    expect(places).toEqual([
      [
        PARTITION,
        [
          { epochMs: EPOCH_MS, sequence: 11, index: 0 },
          { epochMs: EPOCH_MS, sequence: 11, index: 1 },
        ],
      ],
      [partitionOf(elsewhere), [{ epochMs: EPOCH_MS, sequence: 12, index: 0 }]],
    ]);
  });

  it("remembers of every event whether somebody had its message before", () => {
    const again = {
      ...message(group(event({ id: eventId(2) })), PARTITION, 12),
      isRedelivered: true,
      mayBeRepeat: true,
    };
    const { parts } = takeFrom([message(group(event({ id: eventId(1) })), PARTITION, 11), again]);
    expect(parts.flatMap(({ events }) => events.map(({ mayBeRepeat, wasInHand }) => [mayBeRepeat, wasInHand]))).toEqual(
      [
        [false, false],
        [true, true],
      ],
    );
  });

  it("sets aside what cannot be read, and acknowledges it, so that it does not come again", () => {
    const unreadable = message(Buffer.from("not a group of events"), PARTITION, 21);
    const { parts, setAside } = takeFrom([unreadable, message(group(event()), PARTITION, 22)]);
    expect(setAside).toEqual([{ epochMs: EPOCH_MS, sequence: 21 }]);
    expect(unreadable.isAcked).toBe(true);
    expect(parts.flatMap(({ messages }) => messages.map(({ sequence }) => sequence))).toEqual([22]);
  });

  it("sets aside an event that stands in another organisation's partition, and takes its neighbours", () => {
    const stranger = event({ id: eventId(1), orgId: orgId(2) });
    expect(partitionOf(stranger.orgId)).not.toBe(PARTITION);
    const mixed = message(group(stranger, event({ id: eventId(2) })), PARTITION, 31);
    const { parts, setAside } = takeFrom([mixed]);
    expect(setAside).toEqual([{ epochMs: EPOCH_MS, sequence: 31, index: 0 }]);
    expect(parts.flatMap(({ events }) => events.map(({ place }) => place.index))).toEqual([1]);
    expect(mixed.isAcked).toBe(false);
  });

  it("passes over test events, which keep their place, and acknowledges a message that holds no others", () => {
    const forTest = event({ id: eventId(1), forWebhook: webhookId(1) });
    const alone = message(group(forTest), PARTITION, 41);
    const { parts, setAside } = takeFrom([alone, message(group(forTest, event({ id: eventId(2) })), PARTITION, 42)]);
    expect(alone.isAcked).toBe(true);
    expect(parts.flatMap(({ events }) => events.map(({ event: { id }, place }) => [id, place.index]))).toEqual([
      [eventId(2), 1],
    ]);
    expect(setAside).toEqual([]);
  });

  it("drops a message whose lease has run out while it waited", () => {
    const lost = message(group(event()));
    const { parts, leasesLost } = takeFrom([lost], { isOurs: false });
    expect(parts).toEqual([]);
    expect(leasesLost).toBe(1);
    expect(lost.isAcked).toBe(false);
  });

  it("stops taking from a partition whose fan-out fills it, and goes on with the others", () => {
    const directory = new SubscriptionDirectory();
    for (let number = 0; number < ENTRIES_PER_PARTITION_MAX; number += 1) {
      const id = webhookId(number);
      directory.apply({ orgId: orgId(1), webhookId: id }, present(1, { id }));
    }
    const elsewhere = event({ orgId: orgId(2) });
    const waiting = [
      message(group(event())),
      message(group(event())),
      message(group(elsewhere), partitionOf(orgId(2))),
    ];
    const { parts } = takeFrom(waiting, { directory });
    expect(parts.map(({ partition, messages }) => [partition, messages.length])).toEqual([
      [PARTITION, 1],
      [partitionOf(orgId(2)), 1],
    ]);
    expect(waiting).toHaveLength(1);
  });
});
