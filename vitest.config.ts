/**
 * The kinds of tests, run one after the other: pure ones, those against a real NATS and Postgres, and those against real
 * processes of the whole engine. Of these some measure time: they come last, and do not share the machine.
 */

import { defineConfig } from "vitest/config";

const integrationFiles = "{packages,services,deploy}/**/*.int.test.ts";
const timedFiles = ["test/bench/**/*.test.ts", "test/faults/{isolation,neighbours,waves}.test.ts"];

/** Tests share the machine with the servers and the processes that they start. */
const WORKERS_MAX = 2;

export default defineConfig({
  test: {
    teardownTimeout: 20_000,
    projects: [
      {
        test: {
          name: "unit",
          include: ["{packages,services,deploy}/**/*.test.ts"],
          exclude: [integrationFiles, "**/node_modules/**"],
          maxWorkers: WORKERS_MAX,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "integration",
          include: [integrationFiles],
          exclude: ["**/node_modules/**"],
          globalSetup: ["packages/testkit/src/global-setup.ts"],
          setupFiles: ["packages/testkit/src/leak-guard-setup.ts"],
          maxWorkers: WORKERS_MAX,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts"],
          exclude: [...timedFiles, "**/node_modules/**"],
          setupFiles: ["packages/testkit/src/leak-guard-setup.ts"],
          maxWorkers: WORKERS_MAX,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "timed",
          include: timedFiles,
          exclude: ["**/node_modules/**"],
          setupFiles: ["packages/testkit/src/leak-guard-setup.ts"],
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
