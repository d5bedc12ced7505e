/** The settings that every process has, to be spread into a service's own spec. */
import { oneOf, port, text } from "./setting-kinds.ts";
import type { SettingsOf } from "./settings.ts";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** The shared part of a spec; `serviceName` is lower case, such as "ingest". */
export function runtimeSettings(serviceName: string, defaults: { readonly httpPort: number } = { httpPort: 0 }) {
  return {
    /** Where HTTP is served: /livez, /readyz, /metrics and whatever REST the service has. 0 takes any free port. */
    httpPort: port(`POSTHORN_${environmentName(serviceName)}_PORT`, defaults.httpPort),
    /** The address all servers of the process bind to. Loopback by default, so that nothing is exposed by accident. */
    host: text("POSTHORN_HOST", { default: "127.0.0.1" }),
    logLevel: oneOf("POSTHORN_LOG_LEVEL", LOG_LEVELS, "info"),
    /** "stdin": the process stops when its standard input ends, which is how it learns that its supervisor is gone. */
    leash: oneOf("POSTHORN_LEASH", ["none", "stdin"], "none"),
  };
}

/** A spec that contains the shared part. */
export type RuntimeSpec = ReturnType<typeof runtimeSettings>;
export type RuntimeSettings = SettingsOf<RuntimeSpec>;

function environmentName(serviceName: string): string {
  return serviceName.toUpperCase().replaceAll("-", "_");
}
