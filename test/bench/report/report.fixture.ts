/** A run of the bench as it might have been. */

import type { Circumstances, Measured } from "./report.ts";

export const circumstances: Circumstances = {
  commit: "0123456789ab",
  isChanged: false,
  date: "2026-01-02T03:04:05.678Z",
  node: "v24.0.0",
  cpu: "a processor",
  cores: 2,
  size: "full",
  receiver: "nginx",
  generator: "wrk",
};

export const measured: Measured = {
  before: { bytes: 10_000, object: 30_000 },
  after: { bytes: 12_000, object: 20_000 },
  bounds: { batchEventsPerSecond: 150_000, singleRequestsPerSecond: 40_000 },
  results: [
    {
      name: "sustained-1",
      figures: [
        { name: "deliveries", value: 4_200, unit: "/s", aim: { kind: "ratio-at-least", value: 1 / 3 } },
        { name: "until history complete", value: 61.25, unit: "s" },
      ],
      costs: {
        per: "delivery",
        byProcess: {
          dispatcher: { cpuMicros: 120.4, cpuPercent: 60.2, memoryMb: 300 },
          generator: { cpuMicros: 4.25, cpuPercent: 2.1, memoryMb: 90.5 },
        },
      },
    },
    {
      name: "latency-200",
      figures: [
        { name: "p99", value: 31, unit: "ms", aim: { kind: "at-most", value: 30 } },
        { name: "shown", value: Number.NaN, unit: "ms" },
      ],
      costs: undefined,
    },
  ],
};
