import type { WorkMessage } from "@posthorn/message-bus";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isOurs, LEASE_MS, Leases } from "./leases.ts";

/** A message whose lease has this much left; `working` gives it a full one. */
function leased(leftMs: number): WorkMessage & { renewals: number } {
  let endsAtMs = performance.now() + leftMs;
  return {
    subject: "ingest.0",
    data: new Uint8Array(),
    sequence: 1,
    storedAtMs: 0,
    partition: 0,
    lane: "main",
    mayBeRepeat: false,
    renewals: 0,
    leaseEndsAtMs: () => endsAtMs,
    ack() {},
    giveBack() {},
    working() {
      this.renewals += 1;
      endsAtMs = performance.now() + LEASE_MS;
    },
  };
}

describe("leases", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("never run out while the messages are held, however long the work takes", () => {
    using leases = new Leases(() => true);
    const message = leased(LEASE_MS);
    expect(leases.hold(message)).toBe(true);
    for (let passedMs = 0; passedMs < 10 * LEASE_MS; passedMs += 500) {
      vi.advanceTimersByTime(500);
      expect(isOurs(message)).toBe(true);
    }
    expect(message.renewals).toBeLessThan(30);
  });

  it("are renewed at once when little is left of them", () => {
    using leases = new Leases(() => true);
    const message = leased(500);
    leases.hold(message);
    expect(message.renewals).toBe(1);
  });

  it("run out without a connection, when nobody hears that we still work", () => {
    using leases = new Leases(() => false);
    const message = leased(LEASE_MS);
    leases.hold(message);
    vi.advanceTimersByTime(LEASE_MS);
    expect(isOurs(message)).toBe(false);
    expect(message.renewals).toBe(0);
  });

  it("are left alone once the messages are released", () => {
    using leases = new Leases(() => true);
    const message = leased(LEASE_MS);
    leases.hold(message);
    leases.release([message]);
    vi.advanceTimersByTime(LEASE_MS);
    expect(isOurs(message)).toBe(false);
  });

  it("are not taken over when they have run out already", () => {
    using leases = new Leases(() => true);
    expect(leases.hold(leased(0))).toBe(false);
  });
});
