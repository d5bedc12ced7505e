import type { Published, PublishRequest } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import { leasedPublisher, REFUSED_WAIT_MS } from "./leased-publisher.ts";

const STORED: Published = { kind: "stored", sequence: 1, duplicate: false };
const FULL: Published = { kind: "refused", code: "stream_full", message: "maximum bytes exceeded" };
const UNKNOWN: Published = { kind: "unknown" };

const request: PublishRequest = {
  subject: "deliver.3",
  payload: Buffer.from("first"),
  payloadOfRepeat: () => Buffer.from("repeat"),
  id: "id",
};

/** Publishes against a server that gives these answers, one after the other. */
async function publishAgainst(answers: readonly Published[], isHeld: () => boolean = () => true) {
  const sent: PublishRequest[] = [];
  const refusals: string[] = [];
  const waits: number[] = [];
  const publisher = leasedPublisher(
    {
      publish: async (one) => {
        sent.push(one);
        const answer = answers[sent.length - 1];
        if (answer === undefined) throw new Error("published more often than expected");
        return answer;
      },
    },
    {
      onRefused: (subject, reason) => refusals.push(`${subject}: ${reason}`),
      wait: async (ms) => waits.push(ms),
    },
  );
  const isStored = await publisher.publish(request, isHeld);
  return {
    isStored,
    payloads: sent.map(({ payload }) => String(payload)),
    ids: sent.map(({ id }) => id),
    refusals,
    waits,
  };
}

describe("a publish under a lease", () => {
  it("waits while the stream is full, and says why", async () => {
    const { isStored, payloads, refusals, waits } = await publishAgainst([FULL, FULL, STORED]);
    expect(isStored).toBe(true);
    expect(payloads).toEqual(["first", "first", "first"]);
    expect(refusals).toEqual(Array(2).fill("deliver.3: maximum bytes exceeded"));
    expect(waits).toEqual([REFUSED_WAIT_MS, REFUSED_WAIT_MS]);
  });

  it("says that it may be a repeat once an answer is missing, under the same id", async () => {
    const { isStored, payloads, ids } = await publishAgainst([UNKNOWN, FULL, STORED]);
    expect(isStored).toBe(true);
    expect(payloads).toEqual(["first", "repeat", "repeat"]);
    expect(new Set(ids)).toEqual(new Set(["id"]));
  });

  it("ends without a result when the lease has run out", async () => {
    const { isStored, payloads } = await publishAgainst([UNKNOWN], () => false);
    expect(isStored).toBe(false);
    expect(payloads).toEqual(["first"]);
  });

  it("counts as stored what is stored, whatever became of the lease meanwhile", async () => {
    const { isStored } = await publishAgainst([STORED], () => false);
    expect(isStored).toBe(true);
  });
});
