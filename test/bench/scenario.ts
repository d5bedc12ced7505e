/** What a scenario gets and gives. */

import type { TestStack } from "../../deploy/local/test-stack.ts";
import type { FastReceiver } from "./fast-receiver.ts";

export type BenchContext = { readonly stack: TestStack; readonly receiver: FastReceiver };

export type ScenarioResult = {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
  /** Deliveries per second, to be compared with the bare loop; absent where there is no such rate. */
  readonly rate?: number;
  readonly cpuMicrosPerDelivery?: Readonly<Record<string, number>>;
  readonly memoryMb?: Readonly<Record<string, number>>;
};
