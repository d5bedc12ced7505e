/**
 * The process's figures for Prometheus. One registry per process, made by the shell and handed down; names get the
 * prefix `posthorn_`, so that they are found together. Labels must have few values: never an organisation or a webhook.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type { Counter, Gauge, Histogram };

const PREFIX = "posthorn_";
/** A look at the event loop's lag is a wake-up of the process: at every 10 ms, the default, most of what rest costs. */
const EVENT_LOOP_LOOK_MS = 250;

export interface Metrics {
  /** A figure that only grows; by custom its name ends in `_total`. */
  counter<L extends string = never>(name: string, help: string, labelNames?: readonly L[]): Counter<L>;
  /** The spread of a measure, such as seconds; `buckets` are upper bounds, ascending. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    options: { readonly buckets: readonly number[]; readonly labelNames?: readonly L[] },
  ): Histogram<L>;
  /** A figure that goes up and down; `collect` is called at every scrape to set it. */
  gauge<L extends string = never>(name: string, help: string, options?: GaugeOptions<L>): Gauge<L>;
  readonly contentType: string;
  /** Everything in Prometheus' text format. */
  expose(): Promise<string>;
}

/** An empty registry, plus the usual figures of the process itself: CPU, memory, event-loop lag, garbage collection. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_LOOK_MS });
  const registers = [registry];
  return {
    counter: (name, help, labelNames = []) => new Counter({ name: PREFIX + name, help, labelNames, registers }),
    histogram: (name, help, { buckets, labelNames = [] }) =>
      new Histogram({ name: PREFIX + name, help, labelNames, buckets: [...buckets], registers }),
    gauge: (name, help, options = {}) => new Gauge({ name: PREFIX + name, help, ...gaugeOptions(options), registers }),
    contentType: registry.contentType,
    expose: () => registry.metrics(),
  };
}

interface GaugeOptions<L extends string> {
  readonly labelNames?: readonly L[];
  readonly collect?: (gauge: Gauge<L>) => void | Promise<void>;
}

function gaugeOptions<L extends string>({ labelNames = [], collect }: GaugeOptions<L>) {
  if (collect === undefined) return { labelNames };
  return {
    labelNames,
    collect(this: Gauge<L>): void | Promise<void> {
      return collect(this);
    },
  };
}
