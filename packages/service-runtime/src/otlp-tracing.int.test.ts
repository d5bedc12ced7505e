import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type OtlpCollector, startOtlpCollector } from "@posthorn/testkit";
import { describe, expect, it } from "vitest";
import { createLogger, type Logger } from "./logging.ts";
import { parseTraceparent } from "./traceparent.ts";
import { openTracing, type Tracing } from "./tracing.ts";

const UPSTREAM = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UPSTREAM_UNSAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const LINKED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function logInto(lines: Record<string, unknown>[]): Logger {
  return createLogger("scripted", "info", { write: (line: string) => void lines.push(JSON.parse(line)) });
}

/** Opens tracing, does the work, disposes; returns what was logged. */
async function exporting(
  { endpoint }: Pick<OtlpCollector, "endpoint">,
  work: (tracing: Tracing) => void,
  env: Record<string, string> = {},
): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  const withEndpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env };
  await using tracing = await openTracing({
    name: "scripted",
    version: "1.2.3",
    log: logInto(lines),
    env: withEndpoint,
  });
  expect(tracing.enabled).toBe(true);
  work(tracing);
  return lines;
}

async function silentServer(): Promise<Server> {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

describe("tracing with a collector", () => {
  it("exports spans as one tree below the given parent, by the time it is disposed", async () => {
    await using collector = await startOtlpCollector();
    const lines = await exporting(collector, (tracing) => {
      const publish = tracing.startSpan("publish", {
        kind: "producer",
        parent: UPSTREAM,
        attributes: { "messaging.system": "nats", batch: 3, durable: true },
        startedAtMs: 1_700_000_000_000,
      });
      const attempt = tracing.startSpan("attempt", {
        kind: "client",
        parent: publish.traceparent,
        links: [LINKED, "rubbish"],
      });
      attempt.setAttributes({ "http.response.status_code": 500 });
      attempt.fail("status", "the receiver answered 500");
      attempt.end();
      publish.end(1_700_000_000_250);
    });

    expect(lines).toEqual([]);
    const publish = collector.spans.find(({ name }) => name === "publish");
    expect(publish).toMatchObject({
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      parentSpanId: "00f067aa0ba902b7",
      kind: 4,
      startMs: 1_700_000_000_000,
      endMs: expect.closeTo(1_700_000_000_250, 2),
      attributes: { "messaging.system": "nats", batch: 3, durable: true },
      links: [],
      statusCode: 0,
      resource: { "service.name": "posthorn-scripted", "service.version": "1.2.3", "process.pid": process.pid },
    });
    expect(collector.spans.find(({ name }) => name === "attempt")).toMatchObject({
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      parentSpanId: publish?.spanId,
      kind: 3,
      attributes: { "http.response.status_code": 500, "error.type": "status" },
      links: [{ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }],
      statusCode: 2,
      statusMessage: "the receiver answered 500",
    });
  });

  it("begins a sampled trace where there is no parent", async () => {
    await using collector = await startOtlpCollector();
    let traceparent = "";
    await exporting(collector, (tracing) => {
      const span = tracing.startSpan("root", { kind: "server", parent: undefined });
      traceparent = span.traceparent;
      span.end();
    });
    const { traceId, spanId } = collector.spans[0] ?? {};
    expect(parseTraceparent(traceparent)).toEqual({ traceId, spanId, sampled: true });
  });

  it.each([
    ["a parent that is not sampled", UPSTREAM_UNSAMPLED, {}],
    ["a sampler that takes none", undefined, { OTEL_TRACES_SAMPLER: "always_off" }],
    ["a ratio of 0", undefined, { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }],
  ])("exports nothing for %s, and hands on a valid parent all the same", async (_what, parent, env) => {
    await using collector = await startOtlpCollector();
    const handedOn: string[] = [];
    const work = (tracing: Tracing): void => {
      const span = tracing.startSpan("unsampled", { kind: "server", parent });
      handedOn.push(span.traceparent);
      span.end();
    };
    await exporting(collector, work, env);
    expect(collector.spans).toEqual([]);
    expect(parseTraceparent(handedOn[0])?.sampled).toBe(false);
  });
});

describe("where traces go", () => {
  it.each([
    ["below the common endpoint", (endpoint: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/` })],
    [
      "to their own endpoint first",
      (endpoint: string) => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces`,
      }),
    ],
  ])("is %s", async (_what, envOf) => {
    await using collector = await startOtlpCollector();
    const work = (tracing: Tracing) => tracing.startSpan("sent", { kind: "internal", parent: undefined }).end();
    await exporting(collector, work, envOf(collector.endpoint));
    expect(collector.spans.map(({ name }) => name)).toEqual(["sent"]);
  });
});

describe("tracing with a collector that is away", () => {
  it("says so at the stop and does not fail the work", async () => {
    const lines = await exporting({ endpoint: "http://127.0.0.1:1" }, (tracing) => {
      tracing.startSpan("lost", { kind: "internal", parent: undefined }).end();
    });
    expect(lines).toEqual([expect.objectContaining({ level: "warn", msg: "the last spans could not be exported" })]);
  });

  it("complains once however many exports fail", async () => {
    const lines: Record<string, unknown>[] = [];
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_EXPORTER_OTLP_TIMEOUT: "50",
      OTEL_BSP_SCHEDULE_DELAY: "10",
    };
    await using tracing = await openTracing({ name: "scripted", version: "1.2.3", log: logInto(lines), env });
    for (let exports = 0; exports < 5; exports += 1) {
      tracing.startSpan("lost", { kind: "internal", parent: undefined }).end();
      await sleep(100);
    }
    expect(lines).toEqual([expect.objectContaining({ msg: "traces are not exported as they should be" })]);
  });

  it("does not hold up a stop for longer than its bound when the collector hangs", async () => {
    const server = await silentServer();
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const startedAtMs = performance.now();
    const lines = await exporting({ endpoint: `http://127.0.0.1:${port}` }, (tracing) => {
      tracing.startSpan("stuck", { kind: "internal", parent: undefined }).end();
    });
    expect(performance.now() - startedAtMs).toBeLessThan(2_500);
    expect(lines).toHaveLength(1);
    server.close();
  });
});
