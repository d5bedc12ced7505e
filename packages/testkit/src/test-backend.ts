/** Reads how tests get their servers. */

import type { Environment } from "@posthorn/local-servers";

/** `POSTHORN_TEST_BACKEND`: "local" (the default) or "containers"; anything else throws. */
export function backendFromEnvironment(env: Environment): "local" | "containers" {
  const value = env.POSTHORN_TEST_BACKEND ?? "local";
  if (value === "local" || value === "containers") return value;
  throw new Error(`POSTHORN_TEST_BACKEND is "${value}"; it must be "local" or "containers".`);
}
