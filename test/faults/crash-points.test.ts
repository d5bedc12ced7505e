import { afterAll, beforeAll, expect, it } from "vitest";
import type { StackEvent } from "../../deploy/local/stack-events.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { type Load, openLoad } from "./published-load.ts";

const EVENTS = 300;
const EVENTS_PER_SECOND = 100;

let stack: TestStack;
let load: Load;
beforeAll(async () => {
  stack = await startTestStack({
    serviceEnv: {
      ingest: { POSTHORN_CRASH_POINT: "ingest.stored:40" },
      projector: { POSTHORN_CRASH_POINT: "projector.committed:5" },
    },
  });
  load = await openLoad(stack, { eventsPerSecond: EVENTS_PER_SECOND });
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("loses and repeats nothing when ingest dies before it answers and the projector before it knows", async () => {
  await load.publish(EVENTS);
  await load.allArrived(60_000);
  expect(load.accepted.size).toBe(EVENTS);
  expect([...load.arrivals().values()].filter((count) => count !== 1)).toEqual([]);
  expect(load.arrivals().size).toBe(EVENTS);
  expect(
    stack.events
      .filter(isEnd)
      .map(({ name, exit }) => [name, exit])
      .sort(),
  ).toEqual([
    ["ingest", { kind: "signal", signal: "SIGKILL" }],
    ["projector", { kind: "signal", signal: "SIGKILL" }],
  ]);
}, 120_000);

function isEnd(event: StackEvent): event is Extract<StackEvent, { kind: "ended" }> {
  return event.kind === "ended";
}
