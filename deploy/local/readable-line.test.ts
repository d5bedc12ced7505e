import { expect, test } from "vitest";
import { readableWarning } from "./readable-line.ts";

test("a service's warnings and errors are shown shortly, the rest is not", () => {
  const show = (record: object): string | undefined => readableWarning("matcher", "service", JSON.stringify(record));
  expect(show({ level: 30, msg: "started" })).toBeUndefined();
  expect(show({ level: "info", msg: "started" })).toBeUndefined();
  expect(show({ level: 40, msg: "slow" })).toBe("matcher: WARN slow");
  expect(show({ level: "error", msg: "lost", error: { message: "no route" } })).toBe("matcher: ERROR lost (no route)");
  expect(show({ level: 60, msg: "gone" })).toBe("matcher: FATAL gone");
});

test("what was logged with a warning is shown with it, but not what every line has", () => {
  const record = {
    level: "warn",
    time: "2026",
    service: "matcher",
    pid: 1,
    partition: 3,
    reason: "closed",
    msg: "lost",
  };
  expect(readableWarning("matcher", "service", JSON.stringify(record))).toBe(
    "matcher: WARN lost, partition=3, reason=closed",
  );
});

test("a line that is not JSON comes from a crash and is shown, cut to a readable length", () => {
  expect(readableWarning("api", "service", "TypeError: x is undefined")).toBe("api: TypeError: x is undefined");
  expect(readableWarning("api", "service", "  ")).toBeUndefined();
  expect(readableWarning("api", "service", "x".repeat(1_000))).toHaveLength("api: ".length + 301);
});

test("NATS and Postgres are shown from warnings on", () => {
  const show = (line: string): string | undefined => readableWarning("server", "server", line);
  expect(show("[1] 2026/01/01 00:00:00 [INF] Server is ready")).toBeUndefined();
  expect(show("[1] 2026/01/01 00:00:00 [WRN] slow")).toMatch(/slow$/);
  expect(show("2026-01-01 UTC [1] LOG:  checkpoint complete")).toBeUndefined();
  expect(show("2026-01-01 UTC [1] FATAL:  out of memory")).toMatch(/FATAL/);
  expect(show("2026-01-01 UTC [1] FATAL:  the database system is starting up")).toBeUndefined();
  expect(show("[1] 2026/01/01 00:00:00 [ERR] Error trying to connect to route (attempt 1): refused")).toBeUndefined();
});
