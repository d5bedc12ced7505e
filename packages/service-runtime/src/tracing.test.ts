import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { SettingsError } from "./settings.ts";
import { parseTraceparent } from "./traceparent.ts";
import { openTracing, passThroughTracing } from "./tracing.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const NEW = "00-11111111111111111111111111111111-2222222222222222-00";
const service = { name: "scripted", version: "1.2.3", log: pino({ level: "silent" }) };

describe("tracing without a collector", () => {
  const tracing = passThroughTracing(() => NEW);

  it("hands the parent on", () => {
    const span = tracing.startSpan("work", { kind: "internal", parent: PARENT });
    span.setAttributes({ count: 1 });
    span.fail("timeout");
    span.end();
    expect(span.traceparent).toBe(PARENT);
  });

  it.each([undefined, "", "rubbish", PARENT.toUpperCase()])("begins a new trace below %j", (parent) => {
    expect(tracing.startSpan("work", { kind: "internal", parent }).traceparent).toBe(NEW);
  });
});

describe("openTracing", () => {
  it.each([
    ["no endpoint is set", {}],
    ["the SDK is disabled", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_SDK_DISABLED: "true" }],
    [
      "no exporter is wanted",
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_EXPORTER: "none" },
    ],
  ])("records nothing when %s", async (_what, env) => {
    await using tracing = await openTracing({ ...service, env });
    expect(tracing.enabled).toBe(false);
    const { traceparent } = tracing.startSpan("work", { kind: "internal", parent: undefined });
    expect(parseTraceparent(traceparent)?.sampled).toBe(false);
  });

  it("refuses a protocol it does not speak", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    const refused = openTracing({ ...service, env });
    await expect(refused).rejects.toThrow(SettingsError);
    await expect(refused).rejects.toThrow('OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"; it must be one of http/protobuf.');
  });
});
