/**
 * Spans recorded by the OpenTelemetry SDK and exported in batches over OTLP (http/protobuf). Imported only when an
 * endpoint is set. Failure policy: a collector that is away costs spans and a line in the log, never a delivery.
 */
import {
  type Attributes,
  DiagLogLevel,
  diag,
  SpanKind as OtelSpanKind,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "./logging.ts";
import { formatTraceparent, parseTraceparent, type TraceContext } from "./traceparent.ts";
import type { SpanAttributes, SpanHandle, SpanKind, SpanStart, Tracing, TracingSettings } from "./tracing.ts";
import { settlesWithin } from "./within.ts";

/** How long the stop of a process waits for its last spans to be taken. */
const FLUSH_MS_MAX = 1_500;
/** A collector that is away fails an export per second; one line per minute says so. */
const COMPLAINT_INTERVAL_MS = 60_000;

export function openOtlpTracing(service: {
  readonly name: string;
  readonly version: string;
  readonly log: Logger;
  readonly settings: TracingSettings;
  readonly url: string;
}): Tracing {
  const { settings } = service;
  complainTo(service.log);
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(
        resourceFromAttributes({
          "service.name": `posthorn-${service.name}`,
          "service.version": service.version,
          "process.pid": process.pid,
        }),
      ),
    sampler: samplerOf(settings),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: service.url, timeoutMillis: settings.exportTimeoutMs }),
        scheduledDelayMillis: settings.batchDelayMs,
        maxExportBatchSize: settings.batchSpansMax,
        maxQueueSize: settings.queueSpansMax,
        exportTimeoutMillis: settings.exportTimeoutMs,
      }),
    ],
  });
  const tracer = provider.getTracer("posthorn", service.version);
  return {
    enabled: true,
    startSpan: (name, start) => startRecordedSpan(tracer, name, start),
    [Symbol.asyncDispose]: () => shutDown(provider, service.log),
  };
}

function startRecordedSpan(tracer: Tracer, name: string, start: SpanStart): SpanHandle {
  const parent = parseTraceparent(start.parent);
  const links = (start.links ?? []).map(parseTraceparent).filter((link) => link !== undefined);
  const span = tracer.startSpan(
    name,
    {
      kind: OTEL_SPAN_KINDS[start.kind],
      links: links.map((link) => ({ context: spanContextOf(link) })),
      ...(start.attributes === undefined ? {} : { attributes: start.attributes }),
      ...(start.startedAtMs === undefined ? {} : { startTime: start.startedAtMs }),
    },
    parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent)),
  );
  return new RecordedSpan(span);
}

const OTEL_SPAN_KINDS: Readonly<Record<SpanKind, OtelSpanKind>> = {
  internal: OtelSpanKind.INTERNAL,
  server: OtelSpanKind.SERVER,
  client: OtelSpanKind.CLIENT,
  producer: OtelSpanKind.PRODUCER,
  consumer: OtelSpanKind.CONSUMER,
};

class RecordedSpan implements SpanHandle {
  readonly traceparent: string;
  readonly #span: Span;

  constructor(span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.#span = span;
    this.traceparent = formatTraceparent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
  }

  setAttributes(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  fail(errorType: string, message?: string): void {
    const attributes: Attributes = { "error.type": errorType };
    this.#span.setAttributes(attributes);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  }

  end(endedAtMs?: number): void {
    this.#span.end(endedAtMs);
  }
}

function spanContextOf(context: TraceContext): SpanContext {
  const { traceId, spanId } = context;
  return { traceId, spanId, traceFlags: context.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

function samplerOf({ sampler, samplerRatio }: TracingSettings): Sampler {
  switch (sampler) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(samplerRatio);
    case "parentbased_always_on":
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case "parentbased_always_off":
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case "parentbased_traceidratio":
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(samplerRatio) });
  }
}

/** Sends what the SDK complains about to the log; without this it is lost. The SDK has one such place per process. */
function complainTo(log: Logger): void {
  let quietUntilMs = 0;
  const complain = (message: string): void => {
    const nowMs = performance.now();
    if (nowMs < quietUntilMs) return;
    quietUntilMs = nowMs + COMPLAINT_INTERVAL_MS;
    log.warn({ reason: message }, "traces are not exported as they should be");
  };
  const ignore = (): void => {};
  diag.setLogger(
    { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

async function shutDown(provider: TracerProvider, log: Logger): Promise<void> {
  try {
    if (await settlesWithin(provider.shutdown(), FLUSH_MS_MAX)) return;
    log.warn("the last spans were given up because the collector did not take them in time");
  } catch (error) {
    log.warn({ error }, "the last spans could not be exported");
  }
}
