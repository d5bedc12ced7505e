import type { DeliveryId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { DeliveriesInHand } from "./deliveries-in-hand.ts";

const A = "a" as DeliveryId;
const B = "b" as DeliveryId;

/** Work that ends when it is told to, and a record of what began how. */
function startWork() {
  const inHand = new DeliveriesInHand();
  const began: [string, boolean][] = [];
  const run = (name: string, delivery: DeliveryId) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = inHand.run(delivery, (hadToWait) => {
      began.push([name, hadToWait]);
      return promise;
    });
    return { done, end: resolve, fail: () => reject(new Error("no")) };
  };
  return { began, run };
}

describe("DeliveriesInHand", () => {
  it("lets items of different deliveries run beside each other", () => {
    const { began, run } = startWork();
    run("a", A);
    run("b", B);
    expect(began).toEqual([
      ["a", false],
      ["b", false],
    ]);
  });

  it("makes a copy wait for the end of the one before, also when that one fails", async () => {
    const { began, run } = startWork();
    const first = run("first", A);
    const second = run("second", A);
    const third = run("third", A);
    expect(began).toEqual([["first", false]]);
    first.fail();
    await expect(first.done).rejects.toThrow("no");
    second.end();
    await second.done;
    third.end();
    await third.done;
    expect(began).toEqual([
      ["first", false],
      ["second", true],
      ["third", true],
    ]);
  });

  it("forgets a delivery when its last item has ended", async () => {
    const { began, run } = startWork();
    const first = run("first", A);
    first.end();
    await first.done;
    run("later", A);
    expect(began.at(-1)).toEqual(["later", false]);
  });
});
