/**
 * Manual spans with explicit parents: what a span belongs to travels as a `traceparent` text through arguments and
 * messages, never through async context, which costs too much on hot paths. Without an OTLP endpoint in the environment
 * the SDK is not even imported and a span costs a small object.
 */
import { randomFillSync } from "node:crypto";
import type { Logger } from "./logging.ts";
import { integer, oneOf, optionalUrl, ratio } from "./setting-kinds.ts";
import { type Environment, readSettings, type SettingsOf } from "./settings.ts";
import { parseTraceparent, traceparentSource } from "./traceparent.ts";

/** Who the other side of a span is, by OpenTelemetry's five kinds. */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanStart {
  readonly kind: SpanKind;
  /** The traceparent of the span above this one; absent or not valid, the span begins a new trace. */
  readonly parent: string | undefined;
  readonly attributes?: SpanAttributes;
  /** Traceparents of spans that this one continues without being below them, such as an attempt days ago. */
  readonly links?: readonly string[];
  /** Unix time; now if absent. */
  readonly startedAtMs?: number;
}

export interface SpanHandle {
  /** What to hand on as the parent of whatever this span causes. Always valid. */
  readonly traceparent: string;
  setAttributes(attributes: SpanAttributes): void;
  /** Marks the span as failed; `errorType` is a short class such as "timeout", never a text with data in it. */
  fail(errorType: string, message?: string): void;
  /** Ends the span, at the given Unix time or now. */
  end(endedAtMs?: number): void;
}

export interface Tracing extends AsyncDisposable {
  /** Whether spans are recorded; lets a caller skip the work of collecting attributes. */
  readonly enabled: boolean;
  startSpan(name: string, start: SpanStart): SpanHandle;
}

const HTTP = { protocols: ["http", "https"] };

/** OpenTelemetry's own variables, as far as Posthorn obeys them itself; the exporter itself reads
 * OTEL_EXPORTER_OTLP_HEADERS and its kin. */
const tracingSettings = {
  endpoint: optionalUrl("OTEL_EXPORTER_OTLP_ENDPOINT", HTTP),
  tracesEndpoint: optionalUrl("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", HTTP),
  sdkDisabled: oneOf("OTEL_SDK_DISABLED", ["true", "false"], "false"),
  exporter: oneOf("OTEL_TRACES_EXPORTER", ["otlp", "none"], "otlp"),
  protocol: oneOf("OTEL_EXPORTER_OTLP_PROTOCOL", ["http/protobuf"], "http/protobuf"),
  sampler: oneOf(
    "OTEL_TRACES_SAMPLER",
    [
      "always_on",
      "always_off",
      "traceidratio",
      "parentbased_always_on",
      "parentbased_always_off",
      "parentbased_traceidratio",
    ],
    "parentbased_always_on",
  ),
  samplerRatio: ratio("OTEL_TRACES_SAMPLER_ARG", 1),
  batchDelayMs: integer("OTEL_BSP_SCHEDULE_DELAY", { default: 1_000, min: 1, max: 60_000 }),
  batchSpansMax: integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", { default: 512, min: 1, max: 65_536 }),
  // Short, because a collector that does not answer also holds up the stop of the process for this long.
  exportTimeoutMs: integer("OTEL_EXPORTER_OTLP_TIMEOUT", { default: 2_000, min: 1, max: 60_000 }),
  queueSpansMax: integer("OTEL_BSP_MAX_QUEUE_SIZE", { default: 16_384, min: 1, max: 1_048_576 }),
};

export type TracingSettings = SettingsOf<typeof tracingSettings>;

/**
 * Tracing as the environment asks for it: recorded and exported when an OTLP endpoint is set, else passed through.
 *
 * @throws SettingsError when an OTEL_* variable is wrong.
 */
export async function openTracing(service: {
  readonly name: string;
  readonly version: string;
  readonly env: Environment;
  readonly log: Logger;
}): Promise<Tracing> {
  const settings = readSettings(service.env, tracingSettings);
  const url = tracesUrl(settings);
  if (url === undefined || settings.sdkDisabled === "true" || settings.exporter === "none") {
    return passThroughTracing(traceparentSource(randomFillSync));
  }
  // Some 25 MB of memory and 100 ms of start that only those pay who collect traces.
  const { openOtlpTracing } = await import("./otlp-tracing.ts");
  return openOtlpTracing({ ...service, settings, url });
}

/** Where traces go: the endpoint of their own as it is, or their usual path below the common one. */
function tracesUrl({ tracesEndpoint, endpoint }: TracingSettings): string | undefined {
  return tracesEndpoint ?? endpoint?.replace(/\/?$/, "/v1/traces");
}

/** Tracing that records nothing: a span is its parent, and one without a parent gets a new traceparent to hand on. */
export function passThroughTracing(newTraceparent: () => string): Tracing {
  return {
    enabled: false,
    startSpan: (_name, { parent }) => new PassThroughSpan(parent, newTraceparent),
    [Symbol.asyncDispose]: async () => {},
  };
}

// A class for its shared methods: one object per span instead of one object and three closures.
class PassThroughSpan implements SpanHandle {
  readonly traceparent: string;

  constructor(parent: string | undefined, newTraceparent: () => string) {
    this.traceparent = parent !== undefined && parseTraceparent(parent) !== undefined ? parent : newTraceparent();
  }

  setAttributes(): void {}
  fail(): void {}
  end(): void {}
}
