import { expect, test } from "vitest";
import { createFakeClock } from "./fake-clock.ts";

test("a clock stands still until it is moved", async () => {
  const clock = createFakeClock(1_000);
  expect(clock.now()).toBe(1_000);
  await clock.advance(250);
  expect(clock.now()).toBe(1_250);
});

test("sleepers wake in the order of their times, each seeing its own time", async () => {
  const clock = createFakeClock(0);
  const woken: string[] = [];
  void clock.sleep(200).then(() => woken.push(`late ${clock.now()}`));
  void clock.sleep(100).then(() => woken.push(`early ${clock.now()}`));
  await clock.advance(199);
  expect(woken).toEqual(["early 100"]);
  await clock.advance(1);
  expect(woken).toEqual(["early 100", "late 200"]);
  expect(clock.sleeperCount).toBe(0);
});

test("a sleeper that goes back to sleep wakes again within one move", async () => {
  const clock = createFakeClock(0);
  let turns = 0;
  void (async () => {
    for (; turns < 5; turns++) await clock.sleep(10);
  })();
  await clock.advance(50);
  expect(turns).toBe(5);
});

test("a sleep ends early when it is aborted", async () => {
  const clock = createFakeClock(0);
  const abort = new AbortController();
  const slept = clock.sleep(10, abort.signal);
  abort.abort(new Error("enough"));
  await expect(slept).rejects.toThrow("enough");
  expect(clock.sleeperCount).toBe(0);
});
