import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createHealth } from "./health.ts";
import { watchDependency } from "./watch-dependency.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("says when the dependency goes and comes, and looks at nothing once it is disposed", async () => {
  const health = createHealth();
  const check = vi.fn<() => Promise<void>>().mockResolvedValue();
  const stateOfSigner = () => health.report().dependencies.signer;
  const watch = watchDependency(health.dependency("signer"), check);
  await vi.advanceTimersByTimeAsync(0);
  expect(stateOfSigner()).toEqual({ status: "up" });

  check.mockRejectedValue(new Error("cannot be reached"));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(stateOfSigner()).toEqual({ status: "down", reason: "cannot be reached" });

  check.mockResolvedValue();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(stateOfSigner()).toEqual({ status: "up" });

  watch[Symbol.dispose]();
  const looks = check.mock.calls.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(check).toHaveBeenCalledTimes(looks);
});
