import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { CROWDED_FROM, LOOK_AFTER_ITEMS, type Unfinished } from "../core/lane-choice.ts";
import { orgId } from "../core/matcher.fixture.ts";
import { Lanes } from "./choose-lanes.ts";

const bundles = (count: number) => Array.from({ length: count }, () => [{ orgId: orgId(1) }]);

function lanesOver(answers: readonly (Unfinished | Error)[]) {
  const asked: number[] = [];
  const troubles: string[] = [];
  let nowMs = 0;
  const lanes = new Lanes({
    readUnfinished: async (partition) => {
      const answer = answers[asked.push(partition) - 1] ?? { main: 0, backlog: 0 };
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onTrouble: (reason) => troubles.push(reason),
    monotonicMs: () => {
      nowMs += 100;
      return nowMs;
    },
  });
  return { lanes, asked, troubles };
}

it("asks once at a time, and of each partition by itself", async () => {
  const { lanes, asked } = lanesOver([]);
  for (let time = 0; time < 3; time += 1) lanes.choose(4, bundles(LOOK_AFTER_ITEMS));
  lanes.choose(5, bundles(LOOK_AFTER_ITEMS));
  expect(asked).toEqual([4, 5]);
  await nextTurn();
  lanes.choose(4, bundles(LOOK_AFTER_ITEMS));
  expect(asked).toEqual([4, 5, 4]);
});

it("goes by what the stream says, and without its answer by what was put there", async () => {
  const { lanes, troubles } = lanesOver([new Error("no server"), { main: 0, backlog: 0 }]);
  expect(new Set(lanes.choose(4, bundles(CROWDED_FROM)))).toEqual(new Set(["main"]));
  await nextTurn();
  expect(troubles).toEqual(["no server"]);
  expect(new Set(lanes.choose(4, bundles(1)))).toEqual(new Set(["backlog"]));
  expect(new Set(lanes.choose(5, bundles(1)))).toEqual(new Set(["main"]));
});
