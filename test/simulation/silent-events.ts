/** Telemetry that nobody reads: the services' own helpers over figures and a log that keep nothing. */

import type { Logger, Metrics, SpanHandle, Tracing } from "@posthorn/service-runtime";

const nothing = () => {};
const figure = { inc: nothing, dec: nothing, set: nothing, observe: nothing, reset: nothing };

/** The services use these members of a logger and of figures, and no others. */
export const SILENT_LOG = { info: nothing, warn: nothing, error: nothing, debug: nothing } as unknown as Logger;
export const NO_METRICS = {
  counter: () => figure,
  histogram: () => figure,
  gauge: () => figure,
  contentType: "",
  expose: async () => "",
} as unknown as Metrics;

const SPAN: SpanHandle = { traceparent: "", setAttributes: nothing, fail: nothing, end: nothing };

export const NO_TRACING: Tracing = {
  enabled: false,
  startSpan: () => SPAN,
  [Symbol.asyncDispose]: async () => {},
};
