import { expect, test } from "vitest";
import { waitUntil } from "./wait-until.ts";

test("it returns the first truthy value", async () => {
  let calls = 0;
  const value = await waitUntil(() => (++calls < 3 ? undefined : `call ${calls}`), { describe: "a call", everyMs: 1 });
  expect(value).toBe("call 3");
});

test("a check that throws counts as not yet", async () => {
  let calls = 0;
  const check = (): boolean => {
    if (++calls < 3) throw new Error("too early");
    return true;
  };
  expect(await waitUntil(check, { describe: "calm", everyMs: 1 })).toBe(true);
});

test("a failure names what was waited for, how long, and what was seen last", async () => {
  const wait = waitUntil(() => 0, { describe: "a number above 0", timeoutMs: 20, everyMs: 5 });
  await expect(wait).rejects.toThrow("waited 20 ms for a number above 0; the last value was 0");
  const failing = waitUntil(() => Promise.reject(new Error("refused")), {
    describe: "luck",
    timeoutMs: 10,
    everyMs: 5,
  });
  await expect(failing).rejects.toThrow(/for luck; the last error was Error: refused/);
});

test("a failure without a description shows the check itself", async () => {
  const never = false;
  await expect(waitUntil(() => never, { timeoutMs: 5, everyMs: 1 })).rejects.toThrow("for () => never;");
});
