import { streamPosition } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ownership, ownPartitions } from "./handlers/own-partitions.ts";
import { openSchedulerTest, type SchedulerTest } from "./scheduler.fixture.ts";

const PARTITIONS = 8;

describe("the ownership of partitions", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;

  beforeAll(async () => {
    test = await openSchedulerTest(stack);
  });
  afterAll(() => stack.disposeAsync());

  function own() {
    const { ownPool: pool, connection, events } = test;
    return ownPartitions({ pool, connection, events, postgres: { up: () => {}, down: () => {} } });
  }

  const untilItOwns = (owner: Ownership, partitions: number) =>
    waitUntil(async () => {
      await owner.catchUp();
      return owner.current().length === partitions;
    });

  it("is one scheduler's at a time, and another's when that one has gone", async () => {
    const first = own();
    await untilItOwns(first, PARTITIONS);
    await using second = own();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await second.catchUp();
    expect(second.current()).toEqual([]);
    await first[Symbol.asyncDispose]();
    expect(first.current()).toEqual([]);
    await untilItOwns(second, PARTITIONS);
  });

  it("counts only when the projection holds what the log held at its beginning", async () => {
    await test.publisher.publish({ subject: "log.4", payload: new Uint8Array(), id: undefined });
    await using owner = own();
    await untilItOwns(owner, PARTITIONS - 1);
    expect(owner.current().map(({ partition }) => partition)).not.toContain(4);
    const { epochMs, lastSequence } = await streamPosition(test.connection, "LOG");
    await test.pool.query("insert into projector_checkpoint values (4, $1, $1, $2, null)", [epochMs, lastSequence]);
    await owner.catchUp();
    expect(owner.current().length).toBe(PARTITIONS);
  });
});
