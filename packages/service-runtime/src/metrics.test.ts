import { describe, expect, expectTypeOf, it } from "vitest";
import { createMetrics } from "./metrics.ts";

describe("metrics", () => {
  it("exposes counters, histograms and gauges under the common prefix", async () => {
    const metrics = createMetrics();
    metrics.counter("attempts_total", "Attempts made", ["outcome"]).inc({ outcome: "succeeded" });
    metrics.histogram("latency_seconds", "Latency", { buckets: [0.1, 1] }).observe(0.5);
    metrics.gauge("in_flight", "In flight").set(7);
    const text = await metrics.expose();
    expect(text).toContain('posthorn_attempts_total{outcome="succeeded"} 1');
    expect(text).toContain('posthorn_latency_seconds_bucket{le="1"} 1');
    expect(text).toContain("posthorn_in_flight 7");
    expect(metrics.contentType).toContain("text/plain");
  });

  it("collects a gauge when it is asked for", async () => {
    const metrics = createMetrics();
    let depth = 0;
    metrics.gauge("depth", "Depth", { labelNames: ["queue"], collect: (gauge) => gauge.set({ queue: "due" }, depth) });
    depth = 42;
    expect(await metrics.expose()).toContain('posthorn_depth{queue="due"} 42');
  });

  it("shows the process itself: memory, CPU, event-loop lag", async () => {
    const text = await createMetrics().expose();
    for (const name of ["process_resident_memory_bytes", "process_cpu_seconds_total", "nodejs_eventloop_lag_seconds"]) {
      expect(text).toContain(`\n${name} `);
    }
  });

  it("knows its labels at compile time", () => {
    const counter = createMetrics().counter("typed_total", "Typed", ["outcome"]);
    expectTypeOf(counter.inc).toBeCallableWith({ outcome: "failed" });
    // @ts-expect-error: no such label
    expect(() => counter.inc({ colour: "red" })).toThrow();
  });
});
