import { describe, expect, it } from "vitest";
import { createLogger, withTrace } from "./logging.ts";

function collectingLogger(level: "info" | "debug" = "info") {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger("scripted", level, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

describe("a log line", () => {
  it("says when, where and how grave, in words", () => {
    const { log, lines } = collectingLogger();
    log.info({ count: 3 }, "counted");
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(lines).toEqual([{ level: "info", time, service: "scripted", pid: process.pid, count: 3, msg: "counted" }]);
  });

  it("is dropped below the level", () => {
    const { log, lines } = collectingLogger();
    log.debug("detail");
    expect(lines).toEqual([]);
  });

  it("tells an error with its stack", () => {
    const { log, lines } = collectingLogger();
    log.error({ error: new TypeError("broken") }, "failed");
    expect(lines[0]).toMatchObject({
      error: { type: "TypeError", message: "broken", stack: expect.stringContaining("logging.test") },
    });
  });

  it.each([
    { secret: "hush" },
    { webhook: { secret: "hush" } },
    { request: { headers: { authorization: "Bearer hush", "x-api-key": "hush" } } },
    { apiKey: "hush", token: "hush", password: "hush", key: "hush" },
  ])("masks what is named like a secret in %j", (record) => {
    const { log, lines } = collectingLogger();
    log.info(record, "done");
    log.child(record).info("done");
    expect(JSON.stringify(lines)).not.toContain("hush");
    expect(JSON.stringify(lines)).toContain("***");
  });
});

describe("withTrace", () => {
  it("adds the ids of a valid traceparent and nothing else", () => {
    const { log, lines } = collectingLogger();
    withTrace(log, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").info("traced");
    withTrace(log, "rubbish").info("not traced");
    withTrace(log, undefined).info("not traced");
    expect(lines[0]).toMatchObject({ trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", span_id: "00f067aa0ba902b7" });
    expect(lines[1]).not.toHaveProperty("trace_id");
    expect(lines[2]).not.toHaveProperty("trace_id");
  });
});
