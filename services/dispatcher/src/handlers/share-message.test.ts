import { describe, expect, it } from "vitest";
import { message } from "./dispatch.fixture.ts";
import { shareMessage } from "./share-message.ts";

describe("a shared message", () => {
  it("is acknowledged when the last of its items is", () => {
    const whole = message();
    const shares = shareMessage(whole, 3);
    expect(shares).toHaveLength(3);
    for (const share of shares) {
      expect(whole.isAcked).toBe(false);
      share.ack();
    }
    expect(whole).toMatchObject({ isAcked: true, givenBackAfterMs: undefined });
  });

  it("goes back as a whole when the last has answered, after the longest delay that was asked for", () => {
    const whole = message();
    const [first, second, third] = shareMessage(whole, 3);
    first?.giveBack(1_000);
    second?.giveBack(5_000);
    expect(whole.givenBackAfterMs).toBeUndefined();
    third?.ack();
    expect(whole).toMatchObject({ isAcked: false, givenBackAfterMs: 5_000 });
  });

  it("goes back at once when that is asked for", () => {
    const whole = message();
    for (const share of shareMessage(whole, 2)) share.giveBack(0);
    expect(whole).toMatchObject({ isAcked: false, givenBackAfterMs: 0 });
  });

  it("is left to its lease while one item has not answered", () => {
    const whole = message();
    const [first] = shareMessage(whole, 2);
    first?.ack();
    expect(whole).toMatchObject({ isAcked: false, givenBackAfterMs: undefined });
  });

  it("has the lease and the marks of the whole", () => {
    const extended: string[] = [];
    const whole = message({
      isRedelivered: true,
      mayBeRepeat: true,
      leaseEndsAtMs: () => 7,
      working: () => extended.push("extended"),
    });
    const [first] = shareMessage(whole, 2);
    expect(first).toMatchObject({ isRedelivered: true, mayBeRepeat: true, sequence: whole.sequence });
    expect(first?.leaseEndsAtMs()).toBe(7);
    first?.working();
    expect(extended).toEqual(["extended"]);
  });
});
