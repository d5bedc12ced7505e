import { describe, expect, it, vi } from "vitest";
import { retryForever } from "./retry-forever.ts";

function failingTimes(failures: number) {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls <= failures) throw new Error(`failure ${calls}`);
    return "connected";
  };
}

describe("retryForever", () => {
  it("returns what the task returns in the end, doubling the delay up to its maximum", async () => {
    const delays: number[] = [];
    const result = await retryForever(failingTimes(5), {
      signal: new AbortController().signal,
      firstDelayMs: 100,
      maxDelayMs: 500,
      onRetry: ({ failures, delayMs }) => expect(delays.push(delayMs)).toBe(failures),
      random: () => 1,
      sleep: async () => {},
    });
    expect(result).toBe("connected");
    expect(delays).toEqual([100, 200, 400, 500, 500]);
  });

  it("spreads the delays over their upper half", async () => {
    const onRetry = vi.fn();
    const options = { signal: new AbortController().signal, firstDelayMs: 100, maxDelayMs: 500, sleep: async () => {} };
    await retryForever(failingTimes(1), { ...options, onRetry, random: () => 0 });
    expect(onRetry).toHaveBeenCalledWith({ error: new Error("failure 1"), failures: 1, delayMs: 50 });
  });

  it("gives up when it is called off, during a wait and before a try", async () => {
    const controller = new AbortController();
    const waiting = retryForever(failingTimes(Number.POSITIVE_INFINITY), {
      signal: controller.signal,
      firstDelayMs: 60_000,
      maxDelayMs: 60_000,
      onRetry: () => setImmediate(() => controller.abort()),
    });
    await expect(waiting).rejects.toThrow("aborted");
    const task = vi.fn();
    const late = { signal: controller.signal, firstDelayMs: 1, maxDelayMs: 1, onRetry: () => {} };
    await expect(retryForever(task, late)).rejects.toThrow("aborted");
    expect(task).not.toHaveBeenCalled();
  });
});
