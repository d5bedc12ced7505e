/** Every scenario, in the order in which they run: those that others refer to come first. */

import type { Scenario } from "./scenario.ts";
import { accept } from "./scenarios/accept.ts";
import { backlog } from "./scenarios/backlog.ts";
import { dispatchers } from "./scenarios/dispatchers.ts";
import { history } from "./scenarios/history.ts";
import { idle } from "./scenarios/idle.ts";
import { latencyAtHalf, latencyAtLowRate } from "./scenarios/latency.ts";
import { sustained } from "./scenarios/sustained.ts";
import { webhooks } from "./scenarios/webhooks.ts";

export const SCENARIOS: readonly Scenario[] = [
  sustained(1),
  sustained(10),
  latencyAtLowRate,
  latencyAtHalf,
  accept("single", false),
  accept("batch", false),
  accept("stream", false),
  accept("stream-one", false),
  accept("single", true),
  accept("batch", true),
  accept("stream", true),
  dispatchers,
  idle,
  webhooks,
  backlog,
  history,
];
