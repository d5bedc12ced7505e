import { describe, expect, it } from "vitest";
import { unacknowledgedBehind } from "./stream-room.ts";

const at = (sequence: number) => ({ stream_seq: sequence });
const IDLE = { num_pending: 0, num_ack_pending: 0, ack_floor: at(70), delivered: at(80) };

describe("what a durable has not acknowledged", () => {
  it("is nothing once it has had everything", () => {
    expect(unacknowledgedBehind(IDLE, 100)).toBe(undefined);
  });

  it("stands behind its floor while anything is to come or in hand", () => {
    expect(unacknowledgedBehind({ ...IDLE, num_pending: 1 }, 100)).toBe(70);
    expect(unacknowledgedBehind({ ...IDLE, num_ack_pending: 1 }, 100)).toBe(70);
  });

  it("is everything when there is no durable, or one that was further than the stream's end", () => {
    expect(unacknowledgedBehind(undefined, 100)).toBe(0);
    expect(unacknowledgedBehind(IDLE, 79)).toBe(0);
  });
});
